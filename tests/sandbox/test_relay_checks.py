"""The servers behind a relay: who checks passwords for it, and where mail is taken back. Each is asked, or said not to be."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from sandbox.models import Platform
from tests.sandbox import servers

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


@pytest.fixture(autouse=True)
def quick(settings):
    settings.SANDBOX_TIMEOUT = 0.5


@contextmanager
def speaking(talk: Callable[[Any], None]) -> Iterator[int]:
    """A server that does this with each connection, as a file to read and write."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with suppress(OSError, ValueError), connection, connection.makefile("rwb", buffering=0) as stream:
                        talk(stream)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def imap(capabilities: str = "IMAP4rev1") -> Callable[[Any], None]:
    def talk(stream: Any) -> None:
        stream.write(b"* OK ready\r\n")
        while line := stream.readline().decode().split():
            tag, command = line[0], line[1].upper()
            if command == "CAPABILITY":
                stream.write(f"* CAPABILITY {capabilities}\r\n".encode())
            good = command != "LOGIN" or line[3].strip('"') == "right"
            stream.write(f"{tag} {'OK' if good else 'NO'} {command}\r\n".encode())

    return talk


def ldap(dn: bytes, password: bytes) -> Callable[[Any], None]:
    """A directory that knows one account, and takes nobody in particular too."""

    def talk(stream: Any) -> None:
        request = stream.read(4096)
        good = dn + b"\x80" + bytes([len(password)]) + password in request or b"\x04\x00\x80\x00" in request
        stream.write(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01" + (b"\x00" if good else b"\x31") + b"\x04\x00\x04\x00")

    return talk


def web(body: Any, status: int = 200) -> Callable[[Any], None]:
    def talk(stream: Any) -> None:
        while stream.readline().strip():
            pass
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        stream.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + content)

    return talk


def tried(who: Any, **more: Any) -> dict[str, tuple[str, str]]:
    """What was tried beside SMTP: the result and the last line of each."""
    with servers.smtp_server() as (host, port, _):
        body = {"transportDest": host, "transportPort": port, "authType": "local", "apiType": None, **more}
        answer = who.post("/health/try-relay", json=body)
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert report["status"] == all(entry["result"] == "OK" for entry in report["entries"])
    assert report["entries"][0]["result"] == "OK"
    return {entry["type"]: (entry["result"], entry["output"][-1]) for entry in report["entries"][1:]}


def test_a_relay_without_anything_behind_it_has_nothing_more_to_try(sysadmin):
    assert tried(sysadmin) == {}


def test_mail_is_taken_back_over_imap_only_with_an_account_that_works(sysadmin):
    with speaking(imap()) as port:
        data = {"host": "127.0.0.1", "port": port, "login": "gateway", "password": "right"}
        assert tried(sysadmin, apiType="IMAP", apiData=data) == {"API_IMAP": ("OK", "Passed")}
        result, line = tried(sysadmin, apiType="imap", apiData={**data, "password": "wrong"})["API_IMAP"]
        assert result == "ERROR"
        assert "LOGIN" in line
        for lacking in ({**data, "password": ""}, {**data, "login": None}):
            assert tried(sysadmin, apiType="IMAP", apiData=lacking)["API_IMAP"][1].startswith("Fail: not tried")
        assert tried(sysadmin, apiType="IMAP", apiData={**data, "useSsl": True})["API_IMAP"][0] == "ERROR"
        assert tried(sysadmin, apiType="IMAP", apiData={**data, "password": "x\r\nA1 LOGOUT"})["API_IMAP"][0] == "ERROR"


def test_an_imap_server_that_checks_passwords_must_take_passwords(sysadmin):
    for capabilities, result in (("IMAP4rev1", "OK"), ("IMAP4rev1 LOGINDISABLED", "ERROR")):
        with speaking(imap(capabilities=capabilities)) as port:
            assert tried(sysadmin, authType="imap", authData={"host": "127.0.0.1", "port": port})["AUTH_IMAP"][0] == result


def test_a_directory_is_bound_to_with_the_account_of_the_settings(sysadmin):
    user = "cn=gateway,dc=nordwind"
    with speaking(ldap(user.encode(), b"right")) as port:
        data = {"host": "127.0.0.1", "port": port}
        for more, expected in (
            ({"bind_user": user, "bind_password": "right"}, ("OK", "Passed")),
            ({"bindUser": user, "bindPassword": "right"}, ("OK", "Passed")),
            ({"bind_user": user, "bind_password": "wrong"}, ("ERROR", "Fail: the bind was refused: invalid credentials")),
            ({"bind_user": user}, ("ERROR", "Fail: not tried: the password of the bind account is missing")),
            ({}, ("OK", "Passed")),
        ):
            assert tried(sysadmin, authType="ldap", authData={**data, **more}) == {"AUTH_LDAP": expected}
        assert tried(sysadmin, authType="ldap", authData={**data, "use_ssl": True})["AUTH_LDAP"][0] == "ERROR"


@pytest.mark.parametrize("answer", [
    b"", b"\x30", b"\x30\x84\xff", b"HTTP/1.1 400\r\n\r\n", b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
])
def test_what_does_not_speak_like_a_directory_is_an_error(sysadmin, answer):
    def talk(stream: Any) -> None:
        stream.read(4096)
        stream.write(answer)

    with speaking(talk) as port:
        assert tried(sysadmin, authType="ldap", authData={"host": "127.0.0.1", "port": port})["AUTH_LDAP"][0] == "ERROR"


def test_an_openid_provider_is_asked_who_it_is(sysadmin):
    found: dict[str, str] = {}
    with speaking(lambda stream: web(found)(stream)) as port:
        issuer = f"http://127.0.0.1:{port}/realm"
        found["issuer"] = issuer
        assert tried(sysadmin, authType="oidc", authData={"issuerUri": issuer})["AUTH_OIDC"] == ("OK", "Passed")
        found["issuer"] = "http://127.0.0.1/other"
        assert tried(sysadmin, authType="oidc", authData={"issuerUri": issuer})["AUTH_OIDC"][0] == "ERROR"
    for body, status in (({}, 404), (b"<html>", 200), ([], 200)):
        with speaking(web(body, status)) as port:
            data = {"issuerUri": f"http://127.0.0.1:{port}"}
            assert tried(sysadmin, authType="oidc", authData=data)["AUTH_OIDC"][0] == "ERROR"


@pytest.mark.parametrize("more", [
    {"authType": "entra", "authData": {"tenantId": "t"}}, {"apiType": "O365", "apiData": {"tenantId": "t"}},
    {"apiType": "EXCHANGE", "apiData": {"host": "127.0.0.1", "login": "a", "password": "b"}},
])
def test_what_cannot_be_tried_is_said_and_is_never_ok(sysadmin, more):
    [(result, line)] = tried(sysadmin, **more).values()
    assert result == "ERROR"
    assert "not tried" in line


@pytest.mark.parametrize(("kind", "data"), [
    ("imap", None), ("imap", ""), ("ldap", {}), ("oidc", {}), ("oidc", {"issuerUri": "file:///etc/passwd"}),
    ("oidc", {"issuerUri": "http://[::1"}), ("oidc", {"issuerUri": "http://127.0.0.1:99999"}), ("imap", {"host": "mx.nordwind.example"}),
    ("ldap", {"host": "192.0.2.1"}), ("oidc", {"issuerUri": "https://login.nordwind.example/"}),
    ("imap", {"host": "127.0.0.1", "port": "x"}), ("ldap", {"host": "127.0.0.1", "port": 70000}),
    ("ldap", {"host": "127.0.0.1", "port": 1, "use_ssl": True, "cert_pem": "no certificate"}),
])
def test_settings_that_lead_nowhere_are_errors_and_nothing_else(sysadmin, kind, data):
    [(result, _)] = tried(sysadmin, authType=kind, authData=data).values()
    assert result == "ERROR"


def test_a_server_that_asks_for_all_memory_is_an_error(sysadmin):
    def literal(stream: Any) -> None:
        stream.write(b"* OK {99999999999}\r\n")
        stream.read(1)

    with speaking(literal) as number:
        found = tried(sysadmin, authType="imap", authData={"host": "127.0.0.1", "port": number})
    assert found["AUTH_IMAP"][0] == "ERROR"
    with speaking(web(b"[" * 150_000)) as number:
        found = tried(sysadmin, authType="oidc", authData={"issuerUri": f"http://127.0.0.1:{number}"})
    assert found["AUTH_OIDC"][0] == "ERROR"


def test_silent_and_dead_servers_are_errors(sysadmin):
    for kind in ("imap", "ldap"):
        with servers.tcp_server() as port:
            assert tried(sysadmin, authType=kind, authData={"host": "127.0.0.1", "port": port})[f"AUTH_{kind.upper()}"][0] == "ERROR"
        data = {"host": "127.0.0.1", "port": servers.free_port()}
        assert tried(sysadmin, authType=kind, authData=data)[f"AUTH_{kind.upper()}"][0] == "ERROR"


def test_the_secret_of_a_known_relay_is_used_there_and_nowhere_else(admin, stranger, sysadmin, nordwind):
    relay = Platform.objects.filter(domain=nordwind).first()
    with speaking(imap()) as port, speaking(imap()) as other:
        data = {"host": "127.0.0.1", "port": port, "login": "gateway"}
        Platform.objects.filter(pk=relay.pk).update(api_type="IMAP", api_data={**data, "password": "right"})
        assert tried(admin, id=relay.uid, apiType="IMAP", apiData=data)["API_IMAP"] == ("OK", "Passed")
        moved = tried(admin, id=relay.uid, apiType="IMAP", apiData={**data, "port": other})
        assert moved["API_IMAP"][1] == "Fail: not tried: login and password are missing"
        assert "right" not in sysadmin.post(f"/platforms/{relay.uid}/health").text
    body = {"transportDest": "x", "transportPort": 25, "authType": "local", "apiType": None}
    assert [who.post("/health/try-relay", json={**body, "id": uid}).status_code for who, uid in (
        (stranger, relay.uid), (admin, "00000"),
    )] == [400, 400]
    for wrong in ({"authType": "dance"}, {"apiType": "dance"}, {"authData": "text"}, {"apiData": {"colour": 1}}):
        assert admin.post("/health/try-relay", json={**body, **wrong}).status_code == 400
