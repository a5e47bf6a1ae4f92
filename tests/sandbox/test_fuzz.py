"""The whole contract, fuzzed: no 5xx, and no answer that the contract does not have. Bounded: it belongs to every test run.

FUZZ=20 looks twenty times as long.
"""

import copy
import os
import random
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings as bounds, strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox import seed, wsgi
from sandbox.models import Account, Domain, User
from tests.sandbox import contract

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
LONGER = int(os.environ.get("FUZZ", "1"))
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


def linked(api: dict[str, Any]) -> dict[str, Any]:
    """What is made is used by what comes after: the id in an answer goes where such ids belong."""
    for maker, status, name in (
        ("createDomain", "201", "domainId"), ("createPolicy", "201", "policyId"), ("createUser", "201", "userId"),
        ("createEmailAlias", "201", "groupId"), ("addAttachmentFilterToDomain", "201", "attachmentId"),
        ("addUriBlFilterToDomain", "201", "uriId"), ("createAdminAccess", "201", "adminId"),
    ):
        made = operation_named(api, maker)[1]
        links = made["responses"][status].setdefault("links", {})
        for path, item in api["paths"].items():
            for operation in item.values():
                if isinstance(operation, dict) and f"{{{name}}}" in path:
                    parameters = {name: "$response.body#/id"}
                    if "{domainId}" in path and name != "domainId":
                        parameters["domainId"] = "$request.path.domainId"
                    links[operation["operationId"]] = {"operationId": operation["operationId"], "parameters": parameters}
    return api


def operation_named(api: dict[str, Any], wanted: str) -> tuple[str, dict[str, Any]]:
    return next(
        (path, operation) for path, item in api["paths"].items() for operation in item.values()
        if isinstance(operation, dict) and operation["operationId"] == wanted
    )


SCHEMA = schemathesis.openapi.from_dict(linked(described()))
SCHEMA.app = wsgi.application
BY_ID = {operation.definition.raw["operationId"]: operation for operation in (one.ok() for one in SCHEMA.get_all_operations())}


def real_ids() -> dict[str, list[str]]:
    """Ids that lead somewhere, for each parameter that is one."""
    nordwind = Domain.objects.get(name="nordwind.example")
    anna = User.objects.get(email=seed.ANNA)
    mails = [row.fuglu_id for row in anna.folders.get(path="Quarantine").mails.all()[:5]]
    accounts = [row.uid for row in Account.objects.filter(sysadmin=False)]
    return {
        "domainId": [nordwind.uid, *(row.uid for row in Domain.objects.all()[:2])], "userId": [anna.uid],
        "userIdOrEmail": [anna.uid, anna.email], "adminId": accounts, "policyId": [row.uid for row in nordwind.policies.all()],
        "platformId": [row.uid for row in nordwind.platforms.all()], "optionName": ["REPORT_ON", "APP_URL"],
        "folderPath": ["Quarantine", "INBOX"], "path": ["INBOX"], "messageId": mails, "emailId": mails, "fugluId": mails,
        "fugluIdOrMailId": mails, "partId": ["1", "2"], "aliasId": [row.uid for row in nordwind.aliases.all()],
        "wbItemId": [nordwind.sender_rules.first().uid, anna.sender_rules.first().uid],
    }


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the test, whose transaction undoes everything."""
    monkeypatch.setattr(wsgi, "close_old_connections", lambda: None)


@pytest.mark.parametrize("operation", BY_ID)
def test_no_answer_is_outside_of_the_contract(operation):
    """Half of the calls lead somewhere, and are made by somebody who may."""
    tokens = list(seed.demo_tokens().values())
    ids = real_ids()

    @bounds(
        max_examples=8 * LONGER, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=BY_ID[operation].as_strategy(), dice=st.randoms(use_true_random=False))
    def fuzz(case: Any, dice: random.Random) -> None:
        for name in case.path_parameters or {}:
            if name in ids and dice.random() < 0.7:
                case.path_parameters[name] = dice.choice(ids[name])
        token = tokens[0] if dice.random() < 0.6 else dice.choice(tokens)
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
        with transaction.atomic(using="sandbox"):
            case.validate_response(case.call(), checks=CHECKS)
            transaction.set_rollback(True, using="sandbox")

    fuzz()


def test_no_chain_of_calls_leads_out_of_the_contract():
    token = seed.demo_tokens()["system administrator"]
    nordwind = Domain.objects.get(name="nordwind.example")

    class Chain(SCHEMA.as_state_machine()):
        def setup(self) -> None:
            """Every chain begins with the same store, and so ends the same when it is tried again."""
            self.begin, self.numbers = transaction.savepoint(using="sandbox"), iter(range(1_000_000))

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.begin, using="sandbox")
            super().teardown()

        def before_call(self, case: Any) -> None:
            """Give each chain something to begin with: bodies that are good, in a domain that exists."""
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
            operation, number = case.operation.definition.raw["operationId"], next(self.numbers)
            if "domainId" in (case.path_parameters or {}) and len(str(case.path_parameters["domainId"])) != 5:
                case.path_parameters["domainId"] = nordwind.uid
            good = {
                "createDomain": {"name": f"chain{number}.example", "status": "ENABLED", "quarantine": True, "retention": True,
                                 "archive": False, "defaultLanguage": "DE", "customerId": nordwind.customer.uid},
                "createUser": {"email": f"chain{number}@nordwind.example", "status": "ENABLED", "domainId": nordwind.uid},
                "createEmailAlias": {"email": f"group{number}@nordwind.example"},
                "createPolicy": {"name": f"policy {number}", "quarantine": True, "retention": False, "incoming": True},
                "addAttachmentFilterToDomain": {"action": "DENY", "checkType": "FILENAME", "filter": f"{number}"},
                "addUriBlFilterToDomain": {"action": "BLACKLIST_URI_HOST", "filter": f"{number}.example"},
            }.get(operation)
            if good and number % 4:
                case.body = good

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    with transaction.atomic(using="sandbox"):
        Chain.run(settings=bounds(
            max_examples=12 * LONGER, stateful_step_count=8, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ))
        transaction.set_rollback(True, using="sandbox")
