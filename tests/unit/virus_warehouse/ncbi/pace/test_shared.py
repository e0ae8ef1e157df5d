import pytest

from virus_warehouse.ncbi.pace.shared import database, limit_name
from virus_warehouse.settings import SettingError

NCBI = "https://api.ncbi.nlm.nih.gov/datasets/v2"
KEY = "0123456789abcdef0123456789abcdef0123"


def test_limit_is_of_a_host_and_a_key() -> None:
    assert limit_name(NCBI, None) == limit_name("https://API.ncbi.nlm.nih.gov:443/datasets/v1", None)
    assert limit_name("http://127.0.0.1:8081/a", None) == "127.0.0.1:8081"
    names = {limit_name(url, key) for url in (NCBI, "http://127.0.0.1:8081") for key in (None, KEY, KEY[::-1])}
    assert len(names) == 6
    assert not any(KEY[:8] in name for name in names)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgresql://airflow:word@db/airflow", "postgresql+psycopg"),
        ("postgresql+psycopg2://airflow:word@db/airflow", "postgresql+psycopg2"),
    ],
)
def test_database_is_named_by_its_url(monkeypatch: pytest.MonkeyPatch, given: str, driver: str) -> None:
    monkeypatch.setenv("NCBI_DATASETS_PACE", given)
    url = database()
    assert url is not None
    assert (url.drivername, url.password) == (driver, "word")


def test_nothing_named_is_none() -> None:
    assert database() is None


@pytest.mark.parametrize(
    "given", ["s3cret", "mysql://u:s3cret@db/x", "redis://:s3cret@db", "postgresql+asyncpg://u:s3cret@db", "://s3cret"]
)
def test_other_text_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("NCBI_DATASETS_PACE", given)
    with pytest.raises(SettingError, match="NCBI_DATASETS_PACE is no URL of a PostgreSQL database") as refused:
        database()
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None
