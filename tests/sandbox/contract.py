"""Holds every answer to docs/upstream/openapi.yaml: its status, its headers, and its body against the schema."""

import re
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

API = yaml.safe_load((Path(__file__).parents[2] / "docs" / "upstream" / "openapi.yaml").read_text())
REGISTRY: Registry[Any] = Registry().with_resource("urn:api", Resource(contents=API, specification=DRAFT202012))
# What the contract says once for all operations, or not at all: bad parameters of a list, no token, a wrong method.
ANYWHERE = {400, 401, 405}


def documented(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The path template and the operation behind a call. `path` is percent-encoded; plain segments win over parameters."""
    found = [
        template for template in API["paths"]
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
    ]
    found.sort(key=lambda template: template.count("{"))
    return (found[0], API["paths"][found[0]].get(method.lower(), {})) if found else None


def check(response: httpx.Response) -> None:
    """Fail when the answer is none that the contract has."""
    response.read()
    request = response.request
    found = documented(request.method, request.url.raw_path.decode().partition("?")[0])
    if found is None:
        assert response.status_code == 404, f"{request.url} is no address of the contract"
        return
    if request.method in ("HEAD", "OPTIONS"):  # not of the contract, which says nothing of them
        assert response.content == b""
        return
    template, operation = found
    status = response.status_code
    where = f"{request.method} {template} -> {status}"
    assert str(status) in operation.get("responses", {}) or status in ANYWHERE, f"{where} is not documented"
    if status >= 400:
        body = response.json()
        assert set(body) == {"code", "message", "fields"}, where
        assert body["code"] == status, where
        assert body["message"], where
        assert all(isinstance(text, str) for pair in body["fields"].items() for text in pair), where
        return
    answer = operation["responses"][str(status)]
    for name in answer.get("headers", {}):
        assert name in response.headers, f"{where} has no {name}"
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    if status == 204:
        assert response.content == b"", where
    elif media_type == "application/json":
        pointer = ["paths", template, request.method.lower(), "responses", str(status), "content", "application/json", "schema"]
        validate(pointer, response.json(), where)


def validate(pointer: list[str], body: Any, where: str) -> None:
    escaped = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
    schema = {"$ref": f"urn:api#/{escaped}"}
    problems = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        for error in Draft202012Validator(schema, registry=REGISTRY).iter_errors(body)
    ]
    assert problems == [], where
