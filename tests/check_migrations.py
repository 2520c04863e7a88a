"""Runs the migrations up, compares the result with the models, and runs them down and up again.

Part of ``make lint``; it has a database of its own: ``python -m tests.check_migrations``.
"""

from alembic import command

from app.core.migrating import configuration
from tests import postgres

if __name__ == "__main__":
    owner_url, _ = postgres.empty("migrations")
    config = configuration(owner_url)
    command.upgrade(config, "head")
    command.check(config)
    command.downgrade(config, "base")
    command.upgrade(config, "head")
