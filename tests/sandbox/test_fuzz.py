"""The whole contract, fuzzed: no 5xx, and no answer that the contract does not have. Bounded: it belongs to every test run.

FUZZ=20 looks twenty times as long.
"""

import copy
import os
import random
import re
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings as bounds
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox import seed, wsgi
from sandbox.models import DkimKey
from tests.sandbox import contract
from tests.sandbox.test_roles import MAY, QUERY

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
LONGER = int(os.environ.get("FUZZ", "1"))
IDS = re.compile(r"\{(\w+)\}")
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]


def described() -> dict[str, Any]:
    """The contract, with what it says once for all operations said for each (contract.ANYWHERE), and files of any type."""
    api = copy.deepcopy(contract.API)
    problem = {"description": "refused", "content": {"application/json": {"schema": {"type": "object"}}}}
    for item in api["paths"].values():
        for operation in item.values():
            if not isinstance(operation, dict):
                continue
            for status in (400, 404):
                operation["responses"].setdefault(str(status), problem)
            for answer in operation["responses"].values():
                content = answer.get("content", {})
                if "application/octet-stream" in content:
                    content["*/*"] = content.pop("application/octet-stream")
    return api


# What is made or found is used by what comes after: where an answer holds the ids that belong into the paths of others.
MADE = {
    "createDomain": {"domainId": "/id"}, "listDomains": {"domainId": "/0/id"}, "createPolicy": {"policyId": "/id"},
    "createUser": {"userId": "/id", "userIdOrEmail": "/email"}, "listDomainUsers": {"userId": "/0/id", "userIdOrEmail": "/0/id"},
    "createEmailAlias": {"groupId": "/id"}, "listEmailAliasesOfDomain": {"groupId": "/0/id", "addressId": "/0/recipients/0/id"},
    "addAddressesToEmailAlias": {"groupId": "/id", "addressId": "/recipients/0/id"},
    "addAttachmentFilterToDomain": {"attachmentId": "/id"}, "addUriBlFilterToDomain": {"uriId": "/id"},
    "createAdminAccess": {"adminId": "/id"}, "listAdmins": {"adminId": "/0/id"}, "createToken": {"id": "/id"},
    "addDomainAlias": {"aliasId": "/0/id"}, "addDomainRule": {"wbItemId": "/0/id"}, "addMailboxRule": {"wbItemId": "/0/id"},
    "getDomain": {"platformId": "/platforms/0/id"}, "uploadAttachment": {"uid": "/uid", "filename": "/name"},
    "getFolders": {"folderPath": "/0/path", "path": "/0/path"},
    "getFolderContent": {"messageId": "/0/id", "emailId": "/0/id", "fugluId": "/0/id", "fugluIdOrMailId": "/0/id"},
    "listDomainOptions": {"optionName": "/0/option/name"},
}


def linked(api: dict[str, Any]) -> dict[str, Any]:
    """The contract with links from each maker to all operations that take what it made; other ids of its path go along."""
    for maker, made in MADE.items():
        path, operation = operation_named(api, maker)
        status = next(status for status in operation["responses"] if status.startswith("2"))
        links = operation["responses"][status].setdefault("links", {})
        for target, item in api["paths"].items():
            names = {name for name in made if f"{{{name}}}" in target}
            along = {name for name in IDS.findall(path) if f"{{{name}}}" in target} - names
            for one in item.values() if names else ():
                if isinstance(one, dict):
                    links[one["operationId"]] = {"operationId": one["operationId"], "parameters": {
                        **{name: f"$response.body#{made[name]}" for name in names},
                        **{name: f"$request.path.{name}" for name in along},
                    }}
    return api


def operation_named(api: dict[str, Any], wanted: str) -> tuple[str, dict[str, Any]]:
    return next(
        (path, operation) for path, item in api["paths"].items() for operation in item.values()
        if isinstance(operation, dict) and operation["operationId"] == wanted
    )


SCHEMA = schemathesis.openapi.from_dict(linked(described()))
SCHEMA.app = wsgi.application
BY_ID = {operation.definition.raw["operationId"]: operation for operation in (one.ok() for one in SCHEMA.get_all_operations())}


def body_of(operation: str, ids: dict[str, str], number: int = 0) -> Any:
    """A body that is good; those that are made by number are new each time."""
    body = copy.deepcopy(MAY[operation][0])
    if isinstance(body, dict):
        words = {"CUSTOMER": ids["customerId"], "DOMAIN": ids["domainId"]}
        body = {name: words.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
        if number:
            for name in body.keys() & {"name", "email", "login", "filter"}:
                body[name] = str(body[name]).replace("n", f"n{number}", 1)
    return body


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the test, whose transaction undoes everything."""
    monkeypatch.setattr(wsgi, "close_old_connections", lambda: None)


def test_the_fuzz_is_about_all_93_operations():
    assert len(BY_ID) == 93


@pytest.mark.parametrize("operation", BY_ID)
def test_no_answer_is_outside_of_the_contract(operation, ids):
    """Half of the calls are good ones, of somebody who may; of the others, some part is whatever the contract allows, or not."""
    tokens = seed.demo_tokens()
    may = tokens["system administrator" if "S" in MAY[operation][1] else "end user"]
    ids["wbItemId"] = ids["userRule" if "users" in BY_ID[operation].path else "domainRule"]
    ids["id"] = ids["tokenId"]
    body = body_of(operation, ids)
    query = {name: ids["domainId"] if value == "DOMAIN" else value for name, value in QUERY.get(operation, {}).items()}
    dice, statuses = random.Random(operation), set()  # noqa: S311

    @bounds(
        max_examples=10 * LONGER, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=BY_ID[operation].as_strategy())
    def fuzz(case: Any) -> None:
        good = dice.choice((1, 1, 0.7, 0.3))
        for name in case.path_parameters or {}:
            if dice.random() < good:
                case.path_parameters[name] = ids[name]
        if dice.random() < good:
            case.query = dict(query)
        if dice.random() < good and body is not None:
            case.body, case.media_type = body, "application/json"
        token = may if dice.random() < good else dice.choice(list(tokens.values()))
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
        with transaction.atomic(using="sandbox"):
            if operation == "addDkim":
                DkimKey.objects.all().delete()
            answer = case.call()
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)
            transaction.set_rollback(True, using="sandbox")

    fuzz()
    assert min(statuses) < 300, f"no call of it was good: {statuses}"


def test_no_chain_of_calls_leads_out_of_the_contract(ids):
    token = seed.demo_tokens()["system administrator"]
    called, good = set(), set()

    class Chain(SCHEMA.as_state_machine()):
        def setup(self) -> None:
            """Every chain begins with the same store, and so ends the same when it is tried again."""
            self.begin = transaction.savepoint(using="sandbox")
            self.numbers, self.told = iter(range(1, 1_000_000)), set()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.begin, using="sandbox")
            super().teardown()

        def before_call(self, case: Any) -> None:
            """What no link has set begins with something that exists; three of four bodies are good ones."""
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
            operation, number = case.operation.definition.raw["operationId"], next(self.numbers)
            for name, value in (case.path_parameters or {}).items():
                if value not in self.told:
                    case.path_parameters[name] = ids.get(name, value)
            body = body_of(operation, ids, number)
            if body is not None and number % 4:
                case.body, case.media_type = body, "application/json"

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            operation = case.operation.definition.raw["operationId"]
            called.add(operation)
            if response.status_code < 300:
                good.add(operation)
                self.told.update(re.findall('"([^"]+)"', response.content.decode(errors="replace")))  # some answers are files
            case.validate_response(response, checks=CHECKS)

    with transaction.atomic(using="sandbox"):
        Chain.run(settings=bounds(
            max_examples=60 * LONGER, stateful_step_count=12, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ))
        transaction.set_rollback(True, using="sandbox")
    assert len(good) > 40, f"the chains did not get far: {sorted(good)} of {sorted(called)}"
