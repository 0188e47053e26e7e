"""The OpenAPI description of the API, from the declarations of its endpoints."""

from typing import Any

from litmine.explore.api import ENDPOINTS, Endpoint
from litmine.explore.parameters import Parameter
from litmine.versions import __version__

_ERROR = {
    "description": "One sentence on what is wrong and what to do about it.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "error": {
                        "type": "object",
                        "properties": {"status": {"type": "integer"}, "message": {"type": "string"}},
                    }
                },
            }
        }
    },
}


def describe_api() -> dict[str, Any]:
    """The description in the form of OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "litmine",
            "version": __version__,
            "description": "Read-only access to a lake of PubMed articles and what models found in them.",
        },
        "paths": {one.path: {one.method.lower(): _operation(one)} for one in ENDPOINTS},
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "description": endpoint.returns,
        "responses": {
            "200": {"description": endpoint.returns, "content": {"application/json": {"schema": {"type": "object"}}}},
            **dict.fromkeys(("400", "404", "422", "503"), _ERROR),
        },
        "parameters": [_described(one, "path") for one in endpoint.in_path],
    }
    if endpoint.method == "GET":
        operation["parameters"] += [_described(one, "query") for one in endpoint.parameters]
        return operation
    schema = {
        "type": "object",
        "properties": {one.name: {**one.schema(), "description": one.description} for one in endpoint.parameters},
        "required": [one.name for one in endpoint.parameters if one.required],
    }
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _described(parameter: Parameter, place: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema(),
    }
