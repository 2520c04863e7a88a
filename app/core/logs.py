"""Logs: one JSON object a line, with a plain traceback and none of the variables in it."""

import sys

import structlog


def configure() -> None:
    """Set up the process's log, on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Rendering local variables would take seconds, and show what must stay secret.
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
