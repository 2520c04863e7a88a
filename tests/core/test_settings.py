"""Settings: what the environment may say, and how a child process reads the same."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.postgres_tools import Account
from app.core.settings import PREFIX, Settings, default_data_dir


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_without_an_owner_the_service_migrates_as_itself() -> None:
    settings = Settings(database_url="postgresql://app:secret@db/zhirong")

    assert settings.owner_database_url == settings.database_url


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_every_spelling_of_the_scheme_means_our_driver(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://app:s%40crt@db:6543/zhirong?host=/run/x")

    assert settings.database_url == (
        "postgresql+asyncpg://app:s%40crt@db:6543/zhirong?host=%2Frun%2Fx"
    )


@pytest.mark.parametrize("url", ["mysql://app@db/zhirong", "sqlite://", "not a url"])
def test_only_postgresql_is_a_database(url: str) -> None:
    with pytest.raises(ValidationError, match="database_url"):
        Settings(database_url=url)


@pytest.mark.parametrize("url", ["http://bucket", "s3://", "/plain/path", "file://host"])
def test_documents_live_in_files_or_s3(url: str) -> None:
    with pytest.raises(ValidationError, match="documents_url"):
        Settings(documents_url=url)


def test_documents_live_under_the_data_directory_by_default(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).documents_url == (tmp_path / "documents").as_uri()


def test_a_child_process_reads_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(
        port=8100,
        data_dir=tmp_path,
        database_url="postgresql://app:secret@db/zhirong",
        owner_database_url="postgresql://owner:secret@db/zhirong",
        pg_major=16,
        demo=False,
    )

    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)

    assert Settings() == settings


def test_passwords_stay_out_of_the_representation() -> None:
    settings = Settings(
        database_url="postgresql://app:secret@db/zhirong", documents_url="s3://k:secret@bucket"
    )

    assert "secret" not in repr(settings)


def test_data_falls_back_to_a_place_the_servers_account_reaches(tmp_path: Path) -> None:
    checkout = tmp_path / "home" / "zhirong"
    checkout.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    owner = tmp_path.stat()
    stranger = Account(uid=owner.st_uid + 1, gid=owner.st_gid + 1)

    fallback = default_data_dir(checkout, stranger)

    assert fallback.parent == Path("/var/lib/zhirong")
    assert fallback != default_data_dir(tmp_path / "home" / "other", stranger)
    assert default_data_dir(checkout, None) == checkout / "var"
