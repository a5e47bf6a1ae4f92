"""A gateway that works, and one for each way to fail; each is a function from a request to an answer."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from portal.api import access_controls, domains, health, mail, options, policies, sender_rules, users
from tests.places import ACCOUNT

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Failure:
    """One way to fail: `status` and `heading` of the screen; `written` where it is another one for a write that was sent."""

    id: str
    answer: Answer
    status: int
    heading: str
    written: tuple[int, str] | None = None


def status(code: int, body: Any = None, **headers: str) -> Answer:
    return lambda request: httpx.Response(code, json=body, headers=headers)


def raising(error: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("as the test wants it", request=request)

    return answer


class Broken(httpx.SyncByteStream):
    """A body whose connection breaks after the first bytes."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'[{"id": "u1"'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


REASON = {"code": 422, "message": "No <b>wildcards</b> here.", "fields": {"value": "neither an address nor a domain"}}
UNCLEAR = (504, "We do not know whether it happened")
NONSENSE = "The gateway's answer makes no sense"
FAILED = "The gateway failed"
REFUSALS = [
    Failure("403", status(403, {"code": 403, "message": "RULE_EDIT required"}), 403, "Not allowed"),
    Failure("404", status(404), 404, "Not found"),
    Failure("409", status(409, {"message": "There already."}), 409, "Already there"),
    Failure("412", status(412), 412, "Not possible in this state"),
    Failure("422", status(422, REASON), 422, "Refused"),
    Failure("400 without a body", status(400), 422, "Refused"),
    Failure("429", status(429, **{"Retry-After": "7"}), 429, "Too many requests"),
    Failure("500", lambda request: httpx.Response(500, html="<h1>Oops</h1>"), 502, FAILED),
    Failure("501 with a list", status(501, ["not", "built"]), 502, FAILED),
    Failure("a redirect", status(302, Location="https://elsewhere.example/"), 502, FAILED),
    Failure("read timeout", raising(httpx.ReadTimeout), 504, "The gateway takes too long", UNCLEAR),
    Failure("write timeout", raising(httpx.WriteTimeout), 504, "The gateway takes too long", UNCLEAR),
    Failure("connection refused", raising(httpx.ConnectError), 503, "The gateway cannot be reached"),
    Failure("no connection free", raising(httpx.PoolTimeout), 503, "Busy at the moment"),
    Failure("connection broken", lambda request: httpx.Response(200, stream=Broken()), 502, NONSENSE, UNCLEAR),
]
NO_JSON = [
    Failure("HTML", lambda request: httpx.Response(200, html="<html><h1>Please pay for the WLAN</h1></html>"), 502, NONSENSE),
    Failure("empty body", lambda request: httpx.Response(200), 502, NONSENSE),
    Failure("half JSON", lambda request: httpx.Response(200, content=b'[{"id": "u1", "email": "an'), 502, NONSENSE),
    Failure("no UTF-8", lambda request: httpx.Response(200, content=b'"\xff\xfe"'), 502, NONSENSE),
    Failure("wrong shape", status(200, [17]), 502, NONSENSE),
    Failure("wrong type", status(200, "no object"), 502, NONSENSE),
]
FAILURES = REFUSALS + NO_JSON
# What has no body to read cannot be half of one.
WRITE_FAILURES = REFUSALS + [failure for failure in NO_JSON if failure.id == "HTML"]


# A gateway that works.

RELAY = {
    "id": "p1", "name": "Mailserver", "transportDest": "mx.nordwind.example", "transportType": "SMTP", "transportPort": 25,
    "authType": "local", "authData": None, "default": True,
}
TESTS = [
    {"type": "MX", "result": "ERROR_MX_INVALID_ENTRY", "output": ["Required: mx1.gateway.example, mx2.gateway.example", "Fail"]},
    {"type": "DKIM", "result": "ERROR_DKIM_MISSING_ENTRY", "output": ["Fail"]},
]
HEALTH = {"performedAt": 1760000000, "report": {"status": False, "entries": TESTS}}
USER = {"id": "u1", "email": "anna@nordwind.example", "status": "ENABLED", "domainId": "d1", "firstname": "Anna"}
DOMAIN = {"id": "d1", "name": "nordwind.example", "status": "ENABLED", "customer": {"id": "c1", "name": "Nordwind"}, "platforms": [RELAY]}
DELETED_DOMAIN = {**DOMAIN, "id": "d9", "status": "DELETED", "deletionDate": 1760000000000, "purgeDate": 1763000000000}
SOURCE = """Subject: Rechnung 7
Content-Type: multipart/mixed; boundary=b

--b

Text
--b
Content-Type: message/rfc822

Subject: Rechnung 6

Text of another
--b--
"""
MESSAGE = {
    "id": "m1", "from": "Shop <info@shop.example>", "to": ["anna@nordwind.example"], "subject": "Rechnung 7", "size": 1234,
    "headers": {"X-Quarantine-Reason": "SPAM", "X-Spam-Score": "5.4"}, "sentDate": 1760000000000,
    "attachments": {"attachments": [{"id": "2", "name": "Rechnung.pdf", "size": 5}]}, "source": SOURCE,
}
SENDER_RULE = {"id": "r1", "value": "shop.example", "type": "ALLOW", "owner": "anna@nordwind.example", "spfOn": True}
HELD = {"duration": 31, "storeSpam": True}
A_POLICY = {
    "id": "p1", "name": "Usual", "domainId": "d1", "incoming": True, "quarantine": True, "retention": False, "archive": False,
    "mailSizeLimit": 21, "spamScore": 5.0, "relayProps": {"relaySpam": True, "spamScoreLimit": 10.0}, "quarantineProps": HELD,
}
ALIAS = {"id": "a1", "name": "alias.example"}
DKIM = ["protect._domainkey.nordwind.example TXT v=DKIM1; p=MIGf", ["protect._domainkey.alias.example TXT v=DKIM1; p=MIGf"]]
WRITTEN = {
    ("POST", "aliases"): [ALIAS], ("POST", "dkim"): DKIM, ("PUT", "dkim"): DKIM, ("POST", "health"): HEALTH, ("POST", "try-relay"): HEALTH,
    ("POST", "policies"): A_POLICY, ("POST", "domains"): DOMAIN, ("POST", "wblist"): [SENDER_RULE],
}
OPTION = {
    "value": "#112233", "parentValue": "#445566",
    "option": {"name": "APP_COLOR", "type": "COLOR", "group": "application", "description": "Colour", "restricted": False},
}
ADMIN = {
    **ACCOUNT, "id": "a1", "enabled": True, "totp": False, "authoritiesCount": 1,
    "authorities": [{"objectType": "DOMAIN", "objectId": "d1", "permissions": ["RULE_VIEW"]}],
}
FAILING = {"id": "d1", "name": "nordwind.example", "type": "DOMAIN", "health": HEALTH}
FOLDER = {"name": "Quarantine", "path": "Quarantine", "messageCount": 1, "unreadMessageCount": 1}


def well(request: httpx.Request) -> httpx.Response:
    """A gateway that works."""
    path = request.url.path
    if path == "/domains/unsigned/dkim" and request.method == "GET":
        return httpx.Response(404, json={"message": "No DKIM values found."})
    if made := WRITTEN.get((request.method, path.rpartition("/")[2])):
        return httpx.Response(201, json=made)
    if request.method != "GET":
        return httpx.Response(204)
    for pattern, body in (
        (r"/domains", [DOMAIN]), (r"/domains/d9", DELETED_DOMAIN), (r"/domains/\w+", DOMAIN),
        (r"/domains/\w+/aliases", [ALIAS]), (r"/domains/\w+/dkim", DKIM),
        (r"/domains/\w+/policies", [A_POLICY]), (r"/policies/\w+", A_POLICY),
        (r"/domains/\w+/options", [OPTION]), (r"/domains/\w+/access", [{"name": "MAIL_VIEW", "enabled": False}]),
        (r"/domains/\w+/admins", [ADMIN]), (r"/domains/\w+/admins/\w+", ADMIN),
        (r"/security/admins", [ADMIN, {**ADMIN, "id": "a2", "authorities": []}]),
        (r"/security/permissions", [{"name": "MAIL_VIEW", "editable": True}, {"name": "RULE_VIEW", "editable": True}]),
        (r"/health", [FAILING]), (r"/(domains|platforms)/\w+/health", HEALTH),
        (r"/users|/domains/\w+/users", [USER]), (r"/users/\w+", USER), (r".*/wblist", [SENDER_RULE]),
        (r"/users/\w+/emails/folders(/.+)?", [FOLDER]), (r"/users/\w+/emails/\w+", [MESSAGE]),
        (r"/users/\w+/emails/\w+/\w+", MESSAGE),
    ):
        if re.fullmatch(pattern, path):
            return httpx.Response(200, json=body, headers={"X-Total-Count": "1"})
    assert "/attachments" in path, path
    return httpx.Response(200, content=b"bytes of a file")


def failing_to_write(failure: Failure) -> Answer:
    return lambda request: well(request) if request.method == "GET" else failure.answer(request)


# Answers that hold nothing.

def null(record: type[msgspec.Struct]) -> dict[str, None]:
    return {field.encode_name: None for field in msgspec.structs.fields(record)}


def nothing(request: httpx.Request, rows: Callable[[type[msgspec.Struct]], list[Any]]) -> httpx.Response:
    """Objects whose every field is null, and lists of `rows`."""
    path = request.url.path
    if path.endswith("/try-relay"):
        return httpx.Response(200, json=null(health.TriedRelay))
    if request.method == "POST" and path.endswith("/health"):
        return httpx.Response(201, json=null(health.EntityHealth))
    if request.method != "GET":
        return httpx.Response(200, json=null(domains.Domain) if path == "/domains" else [])
    if re.fullmatch(r"/domains/\w+", path):  # the relay that pages are about
        return httpx.Response(200, json={**null(domains.Domain), "platforms": [{**null(domains.Platform), "id": "p1"}]})
    if path.endswith("/dkim"):
        return httpx.Response(200, json=[""] if rows(domains.Alias) else [])
    for pattern, record, a_list in (
        (r"/domains", domains.Domain, True), (r"/domains/\w+/aliases", domains.Alias, True),
        (r"/domains/\w+/policies", policies.Policy, True), (r"/policies/\w+", policies.Policy, False),
        (r"/domains/\w+/options", options.Option, True), (r"/domains/\w+/access", domains.Permission, True),
        (r"/domains/\w+/admins|/security/admins", access_controls.Admin, True),
        (r"/domains/\w+/admins/\w+", access_controls.Admin, False), (r"/security/permissions", access_controls.Grantable, True),
        (r"/health", health.DiagnosticEntry, True), (r"/(domains|platforms)/\w+/health", health.EntityHealth, False),
        (r"/users|/domains/\w+/users", users.User, True), (r"/users/\w+", users.User, False), (r".*/wblist", sender_rules.SenderRule, True),
        (r"/users/\w+/emails/folders(/.+)?", mail.Folder, True), (r"/users/\w+/emails/\w+", mail.Message, True),
        (r"/users/\w+/emails/\w+/\w+", mail.MessageContent, False),
    ):
        if re.fullmatch(pattern, path):
            return httpx.Response(200, json=rows(record) if a_list else null(record))
    return httpx.Response(200)


NOTHING: dict[str, Answer] = {
    "empty lists": lambda request: nothing(request, lambda record: []),
    "null fields": lambda request: nothing(request, lambda record: [null(record), null(record)]),
    "empty objects": lambda request: nothing(request, lambda record: [{}]),
}
