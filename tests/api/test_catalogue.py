"""The catalogue of operations against the vendored contract, both ways, and the records against its models."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec
import pytest
import yaml

from portal.api import (
    access_controls,
    attachment_rules,
    auth_tokens,
    dkim,
    domain_aliases,
    domains,
    groups,
    health,
    mail,
    options,
    policies,
    sender_rules,
    signatures,
    tasks,
    tokens,
    uri_rules,
    users,
)
from portal.api.errors import NotFound
from portal.api.operation import Operation, is_id
from portal.api.rights import Needs

UPSTREAM = Path(__file__).parents[2] / "docs" / "upstream"
MODULES = {
    access_controls: "AccessControls",
    tokens: "AuthenticationTokens",
    domain_aliases: "DomainAliases",
    policies: "DomainPolicies",
    domains: "Domains",
    dkim: "DomainsDKIM",
    mail: "Emails",
    attachment_rules: "FilteringRulesOnAttachments",
    sender_rules: "FilteringRulesOnSenders",
    uri_rules: "FilteringRulesOnURI",
    health: "Health",
    tasks: "Tasks",
    auth_tokens: "TemporaryAuthTokens",
    users: "Users",
    groups: "UsersAliases",
    signatures: "UsersSigns",
}
RECORDS = {
    policies.Policy: "Policy",
    policies.RelayProps: "RelayProps",
    policies.QuarantineProps: "QuarantineProps",
    policies.RetentionProps: "RetentionProps",
    policies.ArchiveProps: "ArchiveProps",
    domains.Domain: "Domain",
    domains.DomainRelays: "Domain",
    domains.Alias: "Alias",
    domains.Customer: "CustomerDTO",
    domains.Permission: "AclPermissionStatus",
    domains.OutgoingProvider: "OutgoingProvider",
    domains.Platform: "PlatformDTO",
    options.Option: "Option",
    options.OptionDef: "OptionDef",
    access_controls.Admin: "Admin",
    access_controls.Authority: "Authority",
    access_controls.Grantable: "PermissionDTO",
    health.HealthResult: "HealthResult",
    health.HealthRecord: "HealthRecord",
    health.EntityHealth: "EntityHealth",
    health.DiagnosticEntry: "DiagnosticEntryDTO",
    health.TriedRelay: "EntityHealth or HealthRecord",
    users.User: "User",
    users.Platform: "PlatformDTO",
    mail.Folder: "ImapFolder",
    mail.Attachment: "ImapMessageAttachment",
    mail.AttachmentList: "ImapMessageAttachmentList",
    mail.Message: "ImapMessage",
    mail.MessageContent: "ImapMessageContent",
    sender_rules.SenderRule: "FilterSender",
}
# Query parameters that neither page, sort nor filter. `id` filters the messages of a folder.
OTHER_PARAMETERS = {"fields", "dl", "operator", "scope", "username", "validity"}


def constants(module: ModuleType) -> dict[str, Operation]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Operation)}


OPERATIONS = [operation for module in MODULES for operation in constants(module).values()]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


@cache
def contract() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((UPSTREAM / "openapi.yaml").read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


@cache
def documented() -> dict[str, dict[str, Any]]:
    """What the contract says of each operation, by id."""
    return {
        said["operationId"]: {**said, "method": method.upper(), "path": path}
        for path, methods in contract()["paths"].items()
        for method, said in methods.items()
        if "operationId" in said
    }


def parameters(operation: Operation, where: str) -> dict[str, dict[str, Any]]:
    said = documented()[operation.id].get("parameters", [])
    return {one["name"]: one for one in said if one["in"] == where and not one.get("deprecated")}


def test_every_documented_operation_is_in_the_catalogue_once_and_no_other():
    assert sorted(operation.id for operation in OPERATIONS) == sorted(documented())
    assert len(OPERATIONS) == 93


def test_no_operation_hides_in_a_module_that_this_test_does_not_read():
    files = (UPSTREAM.parents[1] / "portal" / "api").glob("*.py")
    holding = {f"portal.api.{file.stem}" for file in files if " = Operation(" in file.read_text()}
    assert holding == {module.__name__ for module in MODULES}


@pytest.mark.parametrize(("module", "tag"), MODULES.items(), ids=MODULES.values())
def test_a_module_holds_one_group(module, tag):
    assert {one for operation in constants(module).values() for one in documented()[operation.id]["tags"]} == {tag}
    assert all(name.isupper() for name in constants(module))
    assert tag in module.__doc__ and len(module.__doc__.splitlines()) <= 2


@every_operation
def test_method_and_path(operation):
    said = documented()[operation.id]
    assert (operation.method, operation.path) == (said["method"], said["path"])


@every_operation
def test_filters_and_other_query_parameters(operation):
    said = set(parameters(operation, "query")) - {"offset", "pageSize", "sort"}
    other = OTHER_PARAMETERS | ({"id"} if operation is access_controls.PERMISSIONS else set())
    assert set(operation.filters) == said - other
    assert set(operation.query) == said & other


@every_operation
def test_sort_keys_start_with_the_default_and_stand_where_a_list_is_paged(operation):
    said = parameters(operation, "query")
    assert bool(operation.sort) == ("sort" in said) == ("offset" in said)
    if operation.sort:
        assert operation.sort[0] == said["sort"]["schema"]["default"].removeprefix("-")
    assert operation.sort[1:] == (("id",) if operation is domains.LIST else ())  # the only other key the source names, in 3.2


@every_operation
def test_a_list_that_the_gateway_gives_as_a_workbook_is_marked_so(operation):
    answers = documented()[operation.id]["responses"].get("200", {})
    assert operation.workbook == ("application/vnd.ms-excel" in answers.get("content", {}))


@every_operation
def test_special_headers(operation):
    assert set(operation.headers) == set(parameters(operation, "header"))


SECRET = re.compile("password|secret|private|token|credential", re.IGNORECASE)  # in the name of a field
SAYS_SO = re.compile(r"\bsecret\b|in clear|signs the user in", re.IGNORECASE)  # in its description


def fields(schema: dict[str, Any], seen: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema, however deep."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from () if name in seen else fields(contract()["components"]["schemas"][name], (*seen, name))
    for one in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items")):
        yield from fields(one, seen) if one else ()
    for name, field in schema.get("properties", {}).items():
        yield name, field
        yield from fields(field, seen)


@every_operation
def test_every_secret_of_what_is_sent_and_answered_is_marked(operation):
    said = documented()[operation.id]
    bodies = [said.get("requestBody", {}), *(answer for code, answer in said["responses"].items() if str(code).startswith("2"))]
    schemas = [content.get("schema", {}) for body in bodies for content in body.get("content", {}).values()]
    found = {
        name for schema in schemas for name, field in fields(schema)
        if SECRET.search(name) or SAYS_SO.search(field.get("description", "")) or field.get("x-sensitive")
    }
    assert set(operation.secret) == found


@pytest.mark.parametrize("record", RECORDS, ids=RECORDS.values())
def test_no_record_reads_a_secret(record):
    secrets = {name for operation in OPERATIONS for name in operation.secret} - {"value", "url"}  # an option has a value, too
    assert {field.encode_name for field in msgspec.structs.fields(record)} & secrets == set()


@every_operation
def test_a_file_is_sent_where_the_contract_takes_a_form_and_in_its_field(operation):
    taken = documented()[operation.id].get("requestBody", {}).get("content", {})
    assert bool(operation.file) == ("multipart/form-data" in taken) == bool(taken and "application/json" not in taken)
    if operation.file:
        form = taken["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
        assert list(contract()["components"]["schemas"][form]["properties"]) == [operation.file]


def test_a_token_that_is_asked_for_is_the_one_get_that_acts():
    assert [operation for operation in OPERATIONS if operation.effects] == [auth_tokens.ISSUE]
    assert [one for one in OPERATIONS if one.acts] == [one for one in OPERATIONS if one.method != "GET" or one.effects]


@every_operation
def test_needs_what_the_contract_states(operation):
    said = documented()[operation.id]["x-permission"]
    for word in ("sysadmin", "target user", "restricted", "GRANT", "impersonate", "owner", "signed-in user"):
        assert (word in operation.needs) == (word in said), word
    assert isinstance(operation.needs, Needs)


def test_every_record_is_held_to_a_model():
    found = {
        value
        for module in (*MODULES, options)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct)
    }
    assert found == set(RECORDS)


@pytest.mark.parametrize(("record", "model"), RECORDS.items(), ids=RECORDS.values())
def test_a_record_has_only_documented_fields(record, model):
    names = {field.encode_name for field in msgspec.structs.fields(record)}
    schemas = contract()["components"]["schemas"]
    assert names <= {name for one in model.split(" or ") for name in schemas[one]["properties"]}


@pytest.mark.parametrize("record", RECORDS, ids=RECORDS.values())
def test_a_record_reads_nothing_null_and_unknown(record):
    nulls = {field.encode_name: None for field in msgspec.structs.fields(record)}
    empty = msgspec.json.decode(b"{}", type=record)
    assert msgspec.json.decode(msgspec.json.encode(nulls | {"unknown": [1]}), type=record) == empty
    if "id" in nulls:
        assert [msgspec.convert({"id": one}, record).id for one in ("Eygdk", 7)] == ["Eygdk", 7]


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (domains.LIST, list[domains.Domain]),
        (domains.READ, domains.Domain),
        (domains.CREATE, domains.Domain),
        (domain_aliases.LIST, list[domains.Alias]),
        (domain_aliases.ADD, list[domains.Alias]),
        (policies.LIST, list[policies.Policy]),
        (policies.READ, policies.Policy),
        (policies.CREATE, policies.Policy),
        (users.LIST, list[users.User]),
        (users.LIST_OF_DOMAIN, list[users.User]),
        (users.READ, users.User),
        (users.CREATE, users.User),
        (sender_rules.LIST_OF_DOMAIN, list[sender_rules.SenderRule]),
        (sender_rules.LIST_OF_USER, list[sender_rules.SenderRule]),
        (sender_rules.ADD_TO_DOMAIN, list[sender_rules.SenderRule]),
    ],
    ids=lambda one: one.id if isinstance(one, Operation) else "",
)
def test_the_documented_answers_are_read(operation, answer):
    examples = json.loads((UPSTREAM / "examples.json").read_text())
    bodies = [one["response"]["body"] for one in examples if one["operation_id"] == operation.id]
    assert bodies
    for body in bodies:
        rows = msgspec.convert(body, answer)
        assert all(row.id for row in (rows if isinstance(rows, list) else [rows]))


def test_a_message_tells_its_sender_in_any_shape():
    assert msgspec.json.decode(b'{"from": "arya@got.net", "to": "a@b.fr"}', type=mail.Message).sender == "arya@got.net"
    message = msgspec.json.decode(b'{"from": ["arya@got.net"], "source": "x"}', type=mail.MessageContent)
    assert (message.sender, message.source) == (["arya@got.net"], "x")


HOSTILE = [
    "INBOX/Sub",
    "<a/b@c>",
    "%2e%2e%2f",
    "%2F",
    "..x",
    "x..;y",
    "...",
    "a\\b",
    "a?fields=x",
    "a#b",
    "a b",
    "a+b",
    "a&b=c",
    "{fugluIdOrMailId}",
    "Envoyés",
    "送信済み",
    "\u2028",
    "//gateway.test/",
    "@gateway.test:80/",
    "x" * 1000,
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value[:20]))
def test_an_id_stays_one_segment(value):
    assert is_id(value)
    url = mail.READ.url(userIdOrEmail="arya@got.net", folderPath=value, fugluIdOrMailId="m")
    assert httpx.URL("https://gateway.test/api" + url).raw_path.decode() == "/api" + url  # the client sends it as it is
    start, _, user, emails, folder, message = url.split("/")
    assert (start, unquote(user), emails, unquote(folder), message) == ("", "arya@got.net", "emails", value, "m")


NO_IDS = ["", ".", "..", "x" * 10_000, "a\nb", "a\r\nX-Virus-Lover: 1", "a\n", "\0", "\x7f"]


@pytest.mark.parametrize("value", NO_IDS, ids=lambda value: ascii(value[:20]))
def test_what_cannot_be_an_id_is_never_sent(value):
    assert not is_id(value)
    with pytest.raises(NotFound) as caught:
        mail.READ.url(userIdOrEmail="u", folderPath=value, fugluIdOrMailId="m")
    assert caught.value.operation == "getEmail"


@every_operation
def test_a_url_is_whole(operation):
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    url = operation.url(**dict.fromkeys(names, 7))
    assert url.count("/") == operation.path.count("/") and url.count("7") == len(names) and "{" not in url
