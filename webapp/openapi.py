"""The OpenAPI document, made from the table of routes and the models; and what the page about the
API shows of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, Protocol

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from webapp.api_models import Problem

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    "400": "What was asked is wrong; `errors` names the fields.",
    "401": "Show a key, or sign in.",
    "403": "You may not see this.",
    "404": "There is no such site.",
    "413": "The body is too long.",
    "415": "The body is not JSON.",
    "503": "Too much is being asked, or the question took too long; see Retry-After.",
}
_SECURITY: list[dict[str, list[str]]] = [{"key": []}, {"session": []}, {}]


class Shown(Protocol):
    """A row of the table of routes."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def asked(self) -> type[BaseModel]: ...
    @property
    def told(self) -> type[BaseModel] | None: ...
    @property
    def summary(self) -> str: ...


def document(prefix: str, routes: Sequence[Shown]) -> dict[str, Any]:
    asked = [(route.asked, "validation") for route in routes]
    told = [(route.told, "serialization") for route in routes if route.told]
    models: Any = list(dict.fromkeys([*asked, *told, (Problem, "validation")]))
    _, schemas = models_json_schema(models, ref_template=_REF)
    paths: dict[str, Any] = {}
    for route in routes:
        operation = _operation(route, schemas["$defs"])
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tallylog", "version": version("tallylog")},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "tallylog"},
            },
        },
        "security": _SECURITY,
    }


def _operation(route: Shown, schemas: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(route.told)}} if route.told else _FILES
    found: dict[str, Any] = {
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "parameters": list(_parameters(route, schemas[route.asked.__name__])),
        "responses": {
            "200": {"description": "The answer.", "content": content},
            **{code: _problem(text) for code, text in _PROBLEMS.items()},
        },
    }
    if route.method == "POST":
        body = {"required": True, "content": {"application/json": {"schema": _ref(route.asked)}}}
        found["requestBody"] = body
    return found


_FILES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
    "application/vnd.apache.parquet": {"schema": {}},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"schema": {}},
}


def _ref(model: type[BaseModel] | None) -> dict[str, str]:
    assert model
    return {"$ref": _REF.format(model=model.__name__)}


def _problem(text: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _ref(Problem)}}
    found: dict[str, Any] = {"description": text, "content": content}
    if "Retry-After" in text:
        seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        found["headers"] = {"Retry-After": seconds}
    return found


def _parameters(route: Shown, schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    in_path = re.findall(r"{(\w+)}", route.path)
    for name, said in schema.get("properties", {}).items():
        if name not in in_path and route.method == "POST":
            continue
        found = {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in schema.get("required", ()),
            "schema": _TEXTS if name == "filters" else said,
            "description": said.get("description", ""),
        }
        if said.get("type") == "array":
            found |= {"style": "form", "explode": False}
        if name == "filters":
            found |= {"style": "form", "explode": True}
        yield found


#: In an address filters are texts; one that begins with [ is JSON.
_TEXTS = {"type": "array", "items": {"type": "string"}}


def shown(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The routes with their fields, for the page."""
    schemas = document["components"]["schemas"]
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            told = operation["responses"]["200"]["content"]
            answer = told.get("application/json", {}).get("schema", {}).get("$ref", "")
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = body.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
            found.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": operation["summary"],
                    "parameters": [
                        _field(p["name"], p["schema"] | p) for p in operation["parameters"]
                    ],
                    "body": _fields(schemas.get(name, {})),
                    "answer": _fields(schemas.get(answer.rsplit("/", 1)[-1], {})),
                    "files": sorted(told) if not answer else [],
                }
            )
    return found


def _fields(schema: dict[str, Any]) -> list[dict[str, str]]:
    return [_field(name, said) for name, said in schema.get("properties", {}).items()]


def _field(name: str, said: dict[str, Any]) -> dict[str, str]:
    default = said.get("default", said.get("schema", {}).get("default"))
    return {
        "name": name,
        "type": _type(said),
        "default": _text(default),
        "about": said.get("description", ""),
    }


def _text(default: Any) -> str:
    if isinstance(default, list):
        return ", ".join(default)
    return "" if default is None else str(default)


def _type(said: dict[str, Any]) -> str:
    if "$ref" in said:
        return str(said["$ref"].rsplit("/", 1)[-1])
    if "anyOf" in said and "type" not in said:
        return " or ".join(dict.fromkeys(map(_type, said["anyOf"])))
    if said.get("type") == "array":
        return f"list of {_type(said.get('items', {}))}"
    return str(said.get("type", "any"))
