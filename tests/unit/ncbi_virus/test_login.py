"""The pages require an Airflow login."""

import re

import pytest
from fastapi.testclient import TestClient

from ncbi_virus.pages import airflow_pages
from virus_warehouse.pages import static_files

APP = airflow_pages()


def routes() -> list[tuple[str, str]]:
    flat = []
    for route in APP.routes:
        effective = list(route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route])
        flat += [(method, item.path) for item in effective for method in sorted(item.methods or ())]
    return flat


def test_every_route_requires_a_login() -> None:
    paths = {path for _, path in routes()}
    assert {"/", "/runs", "/static/{name}"} <= paths
    assert not paths & {"/docs", "/redoc", "/openapi.json"}


@pytest.mark.parametrize(("method", "path"), routes())
def test_anonymous_requests_get_401(method: str, path: str) -> None:
    with TestClient(APP) as client:
        answer = client.request(method, re.sub(r"\{[^}]*\}", "pages.css", path), follow_redirects=False)
    assert answer.status_code == 401


@pytest.mark.parametrize("name", sorted(static_files.FILES))
def test_static_files_also_require_a_login(name: str) -> None:
    with TestClient(APP) as client:
        assert client.get(f"/static/{name}").status_code == 401


def test_token_not_signed_by_airflow_is_refused() -> None:
    with TestClient(APP) as client:
        assert client.get("/", headers={"Authorization": "Basic YWRtaW46YWRtaW4="}).status_code == 401
