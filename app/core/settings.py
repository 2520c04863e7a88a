"""Configuration, read once from the environment: ``ZHIRONG_PORT=8100 zhirong serve``."""

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.core.postgres_tools import Account

PREFIX = "ZHIRONG_"
_CHECKOUT = Path(__file__).resolve().parents[2]
_FALLBACK = Path("/var/lib/zhirong")


def _asyncpg_url(value: str) -> str:
    """Accept the common spellings of a PostgreSQL URL and name our driver in it."""
    try:
        url = make_url(value)
    except ArgumentError:
        raise ValueError("not a URL; write postgresql://user:password@host/database") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError("only PostgreSQL (16 or newer) is supported")
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


DatabaseUrl = Annotated[str, AfterValidator(_asyncpg_url)]
# A Literal of numbers does not read the text that an environment holds.
Major = Annotated[Literal[16, 18], BeforeValidator(_number)]


def default_data_dir(checkout: Path, account: Account | None) -> Path:
    """``var/`` of the checkout, or a place the server's account can reach if that is not one.

    As root the embedded PostgreSQL runs as another account, and root's checkouts often lie in a
    home that others cannot enter. ``account`` is None when the server runs as ourselves.
    """
    if account and account.barrier(checkout / "var"):
        name = hashlib.sha256(os.fsencode(checkout)).hexdigest()[:12]
        return _FALLBACK / name
    return checkout / "var"


def _data_dir() -> Path:
    in_checkout = (_CHECKOUT / "pyproject.toml").exists()
    return default_data_dir(_CHECKOUT if in_checkout else Path.cwd(), Account.for_server())


class Settings(BaseSettings):
    """What every entry point needs to know. URLs carry passwords: they stay out of ``repr``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    data_dir: Path = Field(default_factory=_data_dir)
    # The role of the service. Row-level security binds it only if another role owns the tables.
    # None means the embedded server, which has both.
    database_url: DatabaseUrl | None = Field(default=None, repr=False)
    # The role that owns the tables and migrates them.
    owner_database_url: DatabaseUrl | None = Field(
        default_factory=lambda data: data["database_url"], repr=False
    )
    pg_major: Major = 18
    pool_size: int = Field(default=10, ge=1, le=200)
    web_workers: int = Field(default=1, ge=1, le=64)
    calculator_rate: int = Field(default=60, ge=0)  # calls per second and address; 0 = no limit
    # Live streams: how many at once in each web process; how long one lasts until it is reopened.
    streams_max: int = Field(default=200, ge=0)
    stream_seconds: int = Field(default=900, ge=0)
    max_body_bytes: int = Field(default=25 * 2**20, ge=1024)
    # Where uploaded documents are kept: file:///… or s3://bucket/prefix.
    documents_url: str = Field(
        default_factory=lambda data: (data["data_dir"].absolute() / "documents").as_uri(),
        pattern=r"^(file:///|s3://[^/]+)",
        repr=False,
    )
    # Measures of this installation, beside those of the policy: a directory of TOML files.
    measures_dir: DirectoryPath | None = None
    # Whether the demo region is loaded on first start; None means: when served on loopback.
    demo: bool | None = None

    def environment(self) -> dict[str, str]:
        """The variables from which a child process reads these same settings."""
        values: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return {PREFIX + name.upper(): str(value) for name, value in values.items()}
