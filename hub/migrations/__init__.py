"""The schema, migrated by Alembic; `upgrade(url)` brings a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import make_url

HERE = Path(__file__).parent
LOCK = 0x7472_6875  # "trhu": one migration at a time, whoever starts first


def upgrade(url: str) -> None:
    """Migrate the PostgreSQL database at `url` (a `postgresql://` URI) to the newest revision.

    Safe to call from many processes at once.
    """
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=pool.NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
