"""Every operation by every kind of caller: who may, who may not, and who does not even learn that there is something."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from sandbox import auth, seed
from sandbox.models import Customer, DkimKey, Domain
from tests.sandbox import contract
from tests.sandbox.conftest import Client, client
from tests.sandbox.test_contract import OPERATIONS

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
# S system administrator; administrators of B the broker, C the customer, D the domain (all but GRANT and IMPERSONATE);
# U end user, the owner of the mailbox; H helpdesk that only reads; X administrator of another customer.
EVERYBODY, VIEWERS, EDITORS, GRANTERS = "SBCDUHX", "SBCDH", "SBCD", "SBC"
LATER = 4_000_000_000_000
ADMIN = {"login": "new@nordwind.example", "displayName": "N", "email": "new@nordwind.example", "password": "long enough",
         "enabled": True, "language": "DE", "permissions": ["DOMAIN_VIEW"]}
RULE = {"value": "spam.example", "type": "BLOCK"}
# The operation: what is sent, and who may. Lists that leave out what one may not see are for everybody.
MAY: dict[str, tuple[Any, str]] = {
    "getAdmin": (None, "SBC"), "updateAdmin": ({"displayName": "N"}, "SBC"), "deleteAdminAccount": (None, "SBC"),
    "listAdmins": (None, EVERYBODY), "listPermissions": (None, EVERYBODY),
    "listUserTokens": (None, "S"), "createToken": ({"name": "n"}, "S"), "deleteToken": (None, "S"),
    "listDomainAliases": (None, VIEWERS), "addDomainAlias": (["new.example"], EDITORS), "editDomainAliases": ([], EDITORS),
    "deleteDomainAlias": (None, EDITORS),
    "listDomainPolicies": (None, VIEWERS), "getDomainPolicy": (None, VIEWERS), "deletePolicy": (None, "S"),
    "createPolicy": ({"name": "n", "quarantine": True, "retention": False, "incoming": True}, "S"),
    "editPolicy": ({"name": "n"}, "S"),
    "listDomains": (None, EVERYBODY), "getDomain": (None, VIEWERS), "deleteDomain": (None, "S"),
    "createDomain": ({"name": "new.example", "status": "ENABLED", "quarantine": True, "retention": False, "archive": False,
                      "defaultLanguage": "DE", "customerId": "CUSTOMER"}, "S"),
    "editDomain": ({"description": "n"}, EDITORS),
    "listUsersAccess": (None, VIEWERS), "affectUsersAccess": (["MAIL_VIEW"], GRANTERS),
    "listDomainAdmins": (None, GRANTERS), "createAdminAccess": (ADMIN, GRANTERS), "getDomainAdmin": (None, GRANTERS),
    "revokeAdminAccess": (None, GRANTERS), "defineAdminAccess": (["DOMAIN_VIEW"], GRANTERS),
    "listDomainOptions": (None, VIEWERS), "setDomainOption": ({"name": "REPORT_ON", "value": "false"}, EDITORS),
    "deleteDomainOption": (None, EDITORS),
    "getDkim": (None, VIEWERS), "addDkim": (None, "S"), "updateDomainDkim": (None, "S"), "deleteDomainDkim": (None, "S"),
    "getFolders": (None, "SBCDUH"), "getSubfolders": (None, "SBCDUH"), "getFolderContent": (None, "SBCDUH"),
    "getEmail": (None, "SBCDUH"), "releaseEmail": (None, "SBCDU"), "sendEmail": ({"to": ["a@b.example"]}, "U"),
    "getAllEmailAttachments": (None, "SBCDUH"), "downloadEmailAttachmentPart": (None, "SBCDUH"),
    "uploadAttachment": (None, EVERYBODY), "downloadAttachment": (None, "U"), "deleteAttachment": (None, "U"),
    "getDomainAttachmentFilters": (None, VIEWERS), "deleteAttachmentFilter": (None, EDITORS),
    "addAttachmentFilterToDomain": ({"action": "DENY", "checkType": "FILENAME", "filter": "n"}, EDITORS),
    "editAttachmentFilter": ({"filter": "n"}, EDITORS),
    "getDomainUriBlFilters": (None, VIEWERS), "deleteUriBlFilter": (None, EDITORS), "editUriBlFilter": ({"filter": "n"}, EDITORS),
    "addUriBlFilterToDomain": ({"action": "WHITELIST_URI_HOST", "filter": "n"}, EDITORS),
    "addEntries": ([{**RULE, "owner": "nordwind.example"}], EDITORS),
    "getDomainFilterRules": (None, VIEWERS), "addDomainRule": ([RULE], EDITORS), "setDomainRules": ([RULE], EDITORS),
    "updateDomainRule": (RULE, EDITORS), "deleteDomainRule": (None, EDITORS),
    "getUserFilterRules": (None, "SBCDUH"), "addMailboxRule": ([RULE], "SBCDU"), "setMailboxRules": ([RULE], "SBCDU"),
    "updateMailboxRule": (RULE, "SBCDU"), "deleteMailboxRule": (None, "SBCDU"),
    "getDomainHealth": (None, VIEWERS), "runDomainDiagnostic": (None, EDITORS), "getHealthErrors": (None, EVERYBODY),
    "getDiagnosticOfExistingRelay": (None, VIEWERS), "runDiagnosticOnExistingRelay": (None, EDITORS),
    "tryRelayConfiguration": (
        {"transportDest": "192.0.2.1", "transportPort": 25, "authType": "local", "apiType": None}, "SBCDX",  # anywhere
    ),
    "executeTask": ({"command": "send_token_mail", "params": {"recipient": seed.ANNA}}, "SBCDU"),
    "getTemporaryAuthToken": (None, "SBCU"),
    "listUsers": (None, EVERYBODY), "getUser": (None, "SBCDUH"), "editUser": ({"firstname": "N"}, EDITORS),
    "deleteUser": (None, EDITORS), "listDomainUsers": (None, VIEWERS),
    "createUser": ({"email": "new@nordwind.example", "status": "ENABLED", "domainId": "DOMAIN"}, EDITORS),
    "listUserOptions": (None, "SBCDUH"), "setUserOption": ({"name": "REPORT_ON", "value": "false"}, EDITORS),
    "deleteUserOption": (None, EDITORS),
    "getSign": (None, "SBCDUH"), "setSign": ({"sign": "PGI+"}, "SBCDU"), "deleteSign": (None, "SBCDU"),
    "listEmailAliasesOfDomain": (None, VIEWERS), "createEmailAlias": ({"email": "new@nordwind.example"}, EDITORS),
    "listTargetedAddressesOfAlias": (None, VIEWERS), "editEmailAlias": ({"recipients": []}, EDITORS),
    "addAddressesToEmailAlias": (["a@b.example"], EDITORS), "deleteEmailAliasRecipient": (None, EDITORS),
    "deleteEmailAlias": (None, EDITORS),
}
QUERY = {
    "listPermissions": {"scope": "domain", "id": "DOMAIN"}, "getTemporaryAuthToken": {"username": seed.ANNA},
}
# No object in the path: a refusal says what it is about, and that is no object either.
NOT_OF_AN_OBJECT = {"createDomain", "tryRelayConfiguration"}


@pytest.fixture
def callers(account: Callable[..., Client]) -> dict[str, Client]:
    tokens = seed.demo_tokens()
    nordwind = Domain.objects.select_related("customer").get(name="nordwind.example")
    most = tuple(name for name in auth.PERMISSIONS if name not in ("GRANT", "IMPERSONATE"))
    other = Customer.objects.get(name="Alpenmilch Genossenschaft")
    return {
        "S": client(tokens["system administrator"]),
        "B": account("broker@rheintal-it.example", "BROKER", nordwind.customer.broker_id, auth.PERMISSIONS),
        "C": client(tokens["customer's administrator"]),
        "D": account("domain@nordwind.example", "DOMAIN", nordwind.pk, most),
        "U": client(tokens["end user"]),
        "H": client(tokens["helpdesk (read only)"]),
        "X": account("lea@alpenmilch.example", "CUSTOMER", other.pk, auth.PERMISSIONS),
    }


def address(operation: str, template: str, ids: dict[str, str]) -> str:
    names = dict(ids)
    names["wbItemId"] = ids["userRule" if "users" in template else "domainRule"]
    names["id"] = ids["tokenId"]
    return template.format(**names)


def call(who: Client, operation: str, method: str, path: str, ids: dict[str, str], undo: bool = True) -> Any:
    """One call, and nothing is left of it."""
    body = MAY[operation][0]
    if isinstance(body, dict):
        words = {"CUSTOMER": ids["customerId"], "DOMAIN": ids["domainId"]}
        body = {name: words.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    query = {name: ids["domainId"] if value == "DOMAIN" else value for name, value in QUERY.get(operation, {}).items()}
    content = {"files": {"file": ("a.txt", b"a")}} if operation == "uploadAttachment" else {} if body is None else {"json": body}
    with transaction.atomic(using="sandbox"):
        if operation == "addDkim":
            DkimKey.objects.all().delete()
        answer = who.request(method, path, params=query, **content)
        transaction.set_rollback(undo, using="sandbox")
    return answer


def operation_of(method: str, path: str) -> str:
    return contract.API["paths"][path][method.lower()]["operationId"]


def test_the_matrix_has_every_operation():
    assert set(MAY) == {operation_of(method, path) for method, path in OPERATIONS}


@pytest.mark.parametrize(("method", "template"), OPERATIONS, ids=[operation_of(*one) for one in OPERATIONS])
def test_who_may(callers, ids, method, template):
    operation = operation_of(method, template)
    path = address(operation, template, ids)
    statuses = {role: call(who, operation, method, path, ids).status_code for role, who in callers.items()}
    may = {role for role, status in statuses.items() if status < 300}
    assert may == set(MAY[operation][1]), statuses
    assert {status for role, status in statuses.items() if role not in may} <= {400, 403, 404, 422}, statuses
    if operation not in NOT_OF_AN_OBJECT:
        assert statuses["X"] != 403, statuses


@pytest.mark.parametrize(
    ("method", "template"), [one for one in OPERATIONS if "{" in one[1] or operation_of(*one) in ("addEntries", "createUser")],
    ids=lambda one: one,
)
def test_what_belongs_to_another_customer_looks_as_if_it_did_not_exist(callers, ids, method, template):
    operation = operation_of(method, template)
    forbidden = call(callers["X"], operation, method, address(operation, template, ids), ids)
    unknown = dict.fromkeys(ids, "zzzzz") | {name: ids[name] for name in ("folderPath", "optionName", "path", "filename")}
    nothing = call(callers["X"], operation, method, address(operation, template, unknown), unknown)
    if operation == "addEntries":
        return  # its owner is a name in the body, tested with the sender rules
    assert (forbidden.status_code, forbidden.content) == (nothing.status_code, nothing.content)


def test_a_token_of_a_mailbox_whose_domain_is_deleted_is_refused(callers):
    Domain.objects.filter(name="nordwind.example").update(
        status="DELETED", deletion_date=timezone.now(), purge_date=timezone.now() + timedelta(days=1),
    )
    assert callers["U"].get("/users").status_code == 401
    assert callers["C"].get("/users").status_code == 200
