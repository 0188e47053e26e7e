"""The web application: pages, API and files, behind the checks of `litmine.explore.security`."""

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from litmine.errors import QueryLimitError, SettingError
from litmine.explore.api import ENDPOINTS, Endpoint
from litmine.explore.errors import NotFoundError, retry_headers, status_and_message
from litmine.explore.openapi import describe_api
from litmine.explore.pages import PAGES, Page, PageRenderer
from litmine.explore.parameters import read_parameters
from litmine.explore.security import Guard
from litmine.explore.services import Services
from litmine.output.rows import WRITERS, json_bytes

_STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}


def create_app(services: Services, token: str | None = None) -> Starlette:
    """The application over a lake. token: what requests need; None serves this machine only."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        services.warm_up()
        yield
        services.close()

    renderer = PageRenderer(services)
    routes = [
        Route("/api", _json_route(services, lambda: {"description": "/api/openapi.json"})),
        Route("/api/openapi.json", _json_route(services, describe_api)),
        *(Route(one.path, _endpoint_route(services, one), methods=[one.method]) for one in _in_order()),
        *(Route(page.path, _page_route(renderer, page)) for page in PAGES),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, token=token, body_bytes=services.queries.limits.body_bytes)],
        exception_handlers={HTTPException: _http_error(renderer), Exception: _bug(renderer)},
    )


def _in_order() -> list[Endpoint]:
    """The endpoints; an identifier in a path may have slashes."""
    return [
        Endpoint(
            one.path.replace("{identifier}", "{identifier:path}"),
            one.summary,
            one.returns,
            one.answer,
            one.parameters,
            one.in_path,
            one.method,
        )
        for one in ENDPOINTS
    ]


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_bytes(value) + b"\n", status, headers, "application/json")


def _error(services: Services, error: Exception) -> Response:
    status, message = status_and_message(error, services.queries.hidden)
    return _json({"error": {"status": status, "message": message}}, status, retry_headers(error))


def _json_route(services: Services, make: Callable[[], Any]) -> Callable[[Request], Response]:
    def answer(_request: Request) -> Response:
        try:
            return _json(make())
        except Exception as error:  # noqa: BLE001 - every error becomes an answer
            return _error(services, error)

    return answer


def _endpoint_route(services: Services, endpoint: Endpoint) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            given = dict(request.query_params) if endpoint.method == "GET" else await _body(request)
        except ClientDisconnect:
            return _error(services, SettingError("the request is longer than allowed"))
        except Exception as error:  # noqa: BLE001
            return _error(services, error)
        return await run_in_threadpool(compute, given, dict(request.path_params))

    def compute(given: dict[str, Any], path: dict[str, Any]) -> Response:
        try:
            values = read_parameters(endpoint.in_path, path) | read_parameters(endpoint.parameters, given)
            if values.get("format"):
                return _download(services, values["query"], values["format"])
            return _json(endpoint.answer(services, values))
        except Exception as error:  # noqa: BLE001
            return _error(services, error)

    return answer


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise SettingError(f"the body is not JSON ({error})") from error
    if not isinstance(body, dict):
        raise SettingError("the body must be a JSON object, such as {}")
    return body


def _download(services: Services, query: str, form: str) -> Response:
    """The result of a query as a file, written completely before it is sent."""
    most, seen = services.queries.limits.download_rows, 0
    with tempfile.NamedTemporaryFile(prefix="litmine-", suffix=f".{form}", delete=False) as file:
        path = Path(file.name)
        try:
            with services.queries.open(query) as reader:

                def counted() -> Any:
                    nonlocal seen
                    for batch in reader:
                        seen += batch.num_rows
                        if seen > most:
                            raise QueryLimitError(
                                f"the result has more than {most:,} rows; add a LIMIT, or use `litmine sql -o`"
                            )
                        yield batch

                WRITERS[form](type(reader).from_batches(reader.schema, counted()), file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return FileResponse(
        path, media_type=_MEDIA_TYPES[form], filename=f"result.{form}", background=BackgroundTask(path.unlink, True)
    )


def _page_route(renderer: PageRenderer, page: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return renderer.answer(page, request)

    return answer


def _http_error(renderer: PageRenderer) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return _answer_error(renderer, request, NotFoundError("there is no such page"))
        if request.url.path.startswith("/api"):
            sentence = f"{request.method} is not possible here" if error.status_code == 405 else error.detail
            return _json(
                {"error": {"status": error.status_code, "message": sentence}}, error.status_code, error.headers
            )
        return Response(f"{error.detail}\n", error.status_code, error.headers, "text/plain")

    return answer


def _bug(renderer: PageRenderer) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        return _answer_error(renderer, request, error)

    return answer


def _answer_error(renderer: PageRenderer, request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/api"):
        return _error(renderer.services, error)
    return renderer.error(error)
