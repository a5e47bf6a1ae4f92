"""The sandbox against docs/upstream/openapi.yaml as a whole; contract.check holds every single answer to it."""

import json
import re

import httpx
import pytest
from django.test import Client as Browser, RequestFactory
from django.urls import get_resolver

from sandbox import wsgi
from sandbox.models import Token
from tests.sandbox import contract

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPERATIONS = [(method, path) for path, item in contract.API["paths"].items() for method in METHODS if method.lower() in item]


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "xxxxx", path)


def test_the_contract_has_93_operations():
    assert len(OPERATIONS) == 93


@pytest.mark.parametrize("path", contract.API["paths"])
def test_a_documented_path_knows_its_methods_and_refuses_the_others(sysadmin, path):
    known = {method for method, known in OPERATIONS if known == path}
    for method in METHODS:
        answer = sysadmin.request(method, filled(path))
        assert (answer.status_code == 405) == (method not in known)
        if method not in known:
            assert set(answer.headers["Allow"].split(", ")) == known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_wants_a_token(nobody, method, path):
    assert nobody.request(method, filled(path)).status_code == 401


@pytest.mark.parametrize("path", contract.API["paths"])
def test_options_tells_the_methods_to_anybody(nobody, path):
    answer = nobody.options(filled(path))
    known = {method for method, known in OPERATIONS if known == path}
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())


@pytest.mark.parametrize(("path", "query"), [
    ("/domains", {"pageSize": "3", "sort": "-name"}), ("/users/ANNA", {}), ("/users/xxxxx", {}), ("/domains", {"colour": "red"}),
    ("/users/ANNA/emails/Quarantine/HELD", {}), ("/users/ANNA/emails/folders", {"fields": "STATS"}), ("/token", {}),
])
def test_head_is_get_without_a_body_and_changes_nothing(anna, keller, held, path, query):
    unread, tokens = keller.folders.get(path="Quarantine").mails.filter(seen=False), Token.objects.count()
    count = unread.count()
    path = path.replace("ANNA", keller.uid).replace("HELD", held("Rechnung").fuglu_id)
    head = anna.head(path, params=query)
    assert (unread.count(), Token.objects.count()) == (count, tokens)
    get = anna.get(path, params=query)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["Content-Length"] == str(len(get.content))
    assert {**head.headers, "content-length": ""} == {**get.headers, "content-length": ""}


def test_what_is_made_is_where_its_location_says(sysadmin, nordwind, monkeypatch):
    path, kind = f"/domains/{nordwind.uid}/groups", "application/json"
    secret = {"HTTP_AUTHORIZATION": sysadmin.headers["Authorization"]}
    made = Browser().post(f"/sandbox/api{path}", {"email": "a@nordwind.example"}, content_type=kind, **secret)
    assert made["Location"] == f"http://testserver/sandbox/api{path}/{made.json()['id']}"
    assert Browser().get(made["Location"], **secret).json() == made.json()

    monkeypatch.setattr(wsgi, "close_old_connections", lambda: None)
    headers: dict[str, str] = {}
    environ = RequestFactory().post(
        path, {"email": "b@nordwind.example"}, content_type=kind, HTTP_HOST="gateway.test:8001", **secret,
    ).environ
    alone = b"".join(wsgi.application(environ, lambda status, found: headers.update(found)))
    assert headers["Location"] == f"http://gateway.test:8001{path}/{json.loads(alone)['id']}"


def test_head_wants_a_token_and_an_operation_that_reads(nobody, sysadmin):
    assert nobody.head("/domains").status_code == 401
    assert sysadmin.head("/tasks").status_code == 405


def test_a_wrong_method_without_a_token_is_401_like_everything_else(nobody):
    assert nobody.delete("/users").status_code == 401


@pytest.mark.parametrize("path", [
    "/", "/nothing", "/domains/", "/domains/x/nothing", "/users//emails/folders", "/users/x/emails/a/b/c/d/e",
])
def test_an_unknown_path_is_404(sysadmin, path):
    assert sysadmin.get(path).status_code == 404


def test_the_sandbox_has_no_address_that_the_contract_lacks():
    routes = [str(pattern.pattern) for pattern in get_resolver("sandbox.urls").url_patterns]
    documented = {re.sub(r"\{\w+\}", "{}", path[1:]) for path in contract.API["paths"]}
    assert {re.sub(r"<segment:\w+>", "{}", route) for route in routes} == documented


def answer(status: int, body: object, path: str = "/users", headers: dict[str, str] | None = None) -> httpx.Response:
    request = httpx.Request("GET", f"http://sandbox{path}")
    return httpx.Response(
        status, content=json.dumps(body), request=request, headers={"Content-Type": "application/json", **(headers or {})},
    )


@pytest.mark.parametrize("wrong", [
    answer(200, [{"id": "x"}], headers={"X-Total-Count": "1"}),
    answer(200, [{"email": 5, "status": "ENABLED", "language": "EN", "domainId": "x"}], headers={"X-Total-Count": "1"}),
    answer(200, []),
    answer(418, {}),
    answer(404, {"code": 404, "message": "x", "fields": {}}),
    answer(403, {"code": 400, "message": "x", "fields": {}}),
    answer(403, "forbidden"),
    answer(200, {}, path="/nowhere"),
])
def test_the_check_of_the_answers_finds_what_is_wrong(wrong):
    with pytest.raises(AssertionError):
        contract.check(wrong)


def test_the_check_of_the_answers_lets_through_what_is_right():
    contract.check(answer(200, [], headers={"X-Total-Count": "0"}))
    contract.check(answer(403, {"code": 403, "message": "x", "fields": {}}))
