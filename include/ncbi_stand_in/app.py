"""The web application: NCBI's downloads, other calls of NCBI's own client, and the stand-in's control calls."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from ncbi_stand_in.data_files import data_files
from ncbi_stand_in.faults import Fault, Limit
from ncbi_stand_in.middleware import DATASETS_VERSION, DatasetsMiddleware, RecordedRequest
from ncbi_stand_in.package import Package
from ncbi_stand_in.query import GenomeRequest, InvalidArgumentError, read_body, read_page_body, read_query
from ncbi_stand_in.records import World
from ncbi_stand_in.report_pages import annotation_report_page, data_report_page
from ncbi_stand_in.responses import download_response, error_response, invalid_argument
from ncbi_stand_in.selection import Selection
from ncbi_stand_in.taxonomy_responses import taxon_suggestions, taxonomy_report_page

BASE_PATH = "/datasets/v2"
MAX_RECORDED_REQUESTS = 10_000


class StandInState:
    """What the control calls read and change while the server runs."""

    def __init__(self, world: World, today: date) -> None:
        self.world = world
        self.today = today
        self.faults: deque[Fault] = deque()
        self.limit: Limit | None = None
        self.withheld: frozenset[str] = frozenset()
        self.requests: deque[RecordedRequest] = deque(maxlen=MAX_RECORDED_REQUESTS)

    def queue_fault(self, fault: Fault, times: int = 1) -> None:
        """Make the next downloads fail in this way, after the faults that are already queued."""
        self.faults.extend([fault] * times)


class Clock(BaseModel):
    """Body of the clock call."""

    today: date


class FaultRequest(BaseModel):
    """Body of the faults call: the fault, and the number of downloads that it affects."""

    kind: str
    times: int = Field(1, ge=1)
    status: int = Field(503, ge=200, le=599)
    body: str = ""
    headers: dict[str, str] = {}
    fraction: float = 0.5
    seconds: float = Field(60.0, ge=0)


class LimitRequest(BaseModel):
    """Body of the limit call."""

    bytes: int = Field(ge=0)
    kind: str = "cut"
    seconds: float = Field(60.0, ge=0)


class Withheld(BaseModel):
    """Body of the withheld call: accessions, without versions, that are listed but in no package (#530)."""

    accessions: list[str]


def create_app(state: StandInState) -> FastAPI:
    """The application that serves the records of the state's world on the state's date."""
    app = FastAPI(title="NCBI Datasets stand-in", docs_url=None, redoc_url=None, openapi_url=None)
    _add_datasets_api(app, state)
    _add_control_calls(app, state)
    _add_not_found_handler(app)
    app.add_middleware(DatasetsMiddleware, requests=state.requests)
    return app


def _add_datasets_api(app: FastAPI, state: StandInState) -> None:
    @app.get(f"{BASE_PATH}/virus/taxon/{{taxon}}/genome/download")
    def download_by_taxon(taxon: str, request: Request) -> Response:
        return _download(state, lambda: read_query(taxon, request.query_params.multi_items()))

    @app.post(f"{BASE_PATH}/virus/genome/download")
    async def download_by_body(request: Request) -> Response:
        body = await request.body()
        return _download(state, lambda: read_body(body))

    @app.post(f"{BASE_PATH}/virus")
    async def data_reports(request: Request) -> Response:
        body = await request.body()
        return _json(lambda: data_report_page(read_page_body(body), state.world, state.today))

    @app.post(f"{BASE_PATH}/virus/annotation_report")
    async def annotation_reports(request: Request) -> Response:
        body = await request.body()
        return _json(lambda: annotation_report_page(read_page_body(body), state.world, state.today))

    @app.post(f"{BASE_PATH}/taxonomy/taxon_suggest")
    async def suggest_taxa(request: Request) -> Response:
        body = await request.body()
        return _json(lambda: taxon_suggestions(body))

    @app.post(f"{BASE_PATH}/taxonomy/dataset_report")
    async def taxonomy_reports(request: Request) -> Response:
        body = await request.body()
        return _json(lambda: taxonomy_report_page(body))

    @app.get(f"{BASE_PATH}/version")
    def version() -> dict[str, str]:
        return {"version": DATASETS_VERSION}


def _json(answer: Callable[[], str]) -> Response:
    try:
        return Response(answer(), media_type="application/json")
    except InvalidArgumentError as error:
        return invalid_argument(str(error))


def _download(state: StandInState, read: Callable[[], GenomeRequest]) -> Response:
    try:
        selection = replace(Selection.from_request(read()), withheld=state.withheld)
    except InvalidArgumentError as error:
        return invalid_argument(str(error))
    today = state.today
    # Times in a package are taken from the stand-in's clock, so that the same request gives the same bytes.
    package = Package(data_files(selection, state.world, today), datetime.combine(today, time(6)))
    filename = selection.request.filename or "ncbi_dataset.zip"
    if state.faults:
        return state.faults.popleft().response(package, filename)
    if state.limit is not None:
        return state.limit.response(package, filename)
    return download_response(package, filename)


def _add_control_calls(app: FastAPI, state: StandInState) -> None:
    @app.get("/control/clock")
    def clock() -> Clock:
        return Clock(today=state.today)

    @app.post("/control/clock")
    def set_clock(new: Clock) -> Clock:
        state.today = new.today
        return new

    @app.get("/control/faults")
    def faults() -> list[Fault]:
        return list(state.faults)

    @app.post("/control/faults")
    def queue_fault(requested: FaultRequest) -> list[Fault]:
        try:
            fault = Fault(**requested.model_dump(exclude={"times"}))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        state.queue_fault(fault, requested.times)
        return list(state.faults)

    @app.delete("/control/faults")
    def clear_faults() -> list[Fault]:
        state.faults.clear()
        return []

    @app.get("/control/limit")
    def limit() -> Limit | None:
        return state.limit

    @app.post("/control/limit")
    def set_limit(requested: LimitRequest) -> Limit:
        try:
            state.limit = Limit(**requested.model_dump())
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return state.limit

    @app.delete("/control/limit")
    def clear_limit() -> None:
        state.limit = None

    @app.get("/control/withheld")
    def withheld() -> list[str]:
        return sorted(state.withheld)

    @app.post("/control/withheld")
    def withhold(requested: Withheld) -> list[str]:
        state.withheld = frozenset(requested.accessions)
        return sorted(state.withheld)

    @app.get("/control/requests")
    def requests() -> list[RecordedRequest]:
        return list(state.requests)


def _add_not_found_handler(app: FastAPI) -> None:
    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> Response:
        if error.status_code == 404:
            return error_response(404, "Your request is invalid")
        return Response(str(error.detail), error.status_code)
