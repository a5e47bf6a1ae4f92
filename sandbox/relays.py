"""Asking the servers of a relay: for SMTP, where passwords are checked (`authData`), where mail is taken back (`apiData`).

Nothing is sent and nothing changed there. What cannot be tried is an ERROR that says so, and never OK.
"""

import imaplib
import json
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from sandbox.models import Platform

Entry = dict[str, Any]
Lines = list[str]
TROUBLE = (
    OSError, smtplib.SMTPException, imaplib.IMAP4.error, httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError,
    RecursionError, MemoryError,
)
LARGEST = 50  # blocks of 4,096 bytes that are read of an answer
LDAP_RESULTS = {0: "success", 32: "no such object", 48: "inappropriate authentication", 49: "invalid credentials"}


class Failed(Exception):
    """The server was reached, and it is not well; or it was not tried."""


def checks(relay: Platform) -> list[Entry]:
    """One entry for each server of a relay; `relay` need not be stored."""
    found = [attempted("SMTP", lambda lines: smtp(lines, relay.transport_dest, relay.transport_port, relay.transport_type))]
    if host := relay.fallback_transport_dest:
        port, transport = relay.fallback_transport_port or 25, relay.fallback_transport_type or "SMTP"
        found.append(attempted("SMTP_FALLBACK", lambda lines: smtp(lines, host, port, transport)))
    auth, api = relay.auth_data or {}, relay.api_data or {}
    match relay.auth_type:
        case "imap":
            found.append(attempted("AUTH_IMAP", lambda lines: imap(lines, auth)))
        case "ldap":
            found.append(attempted("AUTH_LDAP", lambda lines: ldap(lines, auth)))
        case "oidc":
            found.append(attempted("AUTH_OIDC", lambda lines: oidc(lines, auth)))
        case "entra":
            found.append(attempted("AUTH_ENTRA", not_tried))
    match relay.api_type:
        case "IMAP":
            found.append(attempted("API_IMAP", lambda lines: imap(lines, api, login=True)))
        case "EXCHANGE" | "O365":
            found.append(attempted(f"API_{relay.api_type}", not_tried))
    return found


def attempted(kind: str, attempt: Callable[[Lines], None]) -> Entry:
    """HealthResult: what came of an attempt, which writes down what it does."""
    lines: Lines = []
    try:
        attempt(lines)
    except Failed as problem:
        return {"type": kind, "result": "ERROR", "output": [*lines, f"Fail: {problem}"[:300]]}
    except TROUBLE as problem:
        return {"type": kind, "result": "ERROR", "output": [*lines, f"Fail: {type(problem).__name__}: {problem}"[:300]]}
    return {"type": kind, "result": "OK", "output": [*lines, "Passed"]}


def not_tried(lines: Lines) -> None:
    raise Failed("not tried: this sandbox does not speak to services of this kind")


def smtp(lines: Lines, host: str, port: int, transport: str) -> None:
    """Greet a mail server, over TLS where the relay wants it, and take leave."""
    reach(lines, host, port)
    server = smtplib.SMTP_SSL if port == 465 and transport != "SMTP" else smtplib.SMTP
    with server(host, port, local_hostname="gateway.example", timeout=settings.SANDBOX_TIMEOUT) as relay:
        code, _ = relay.ehlo()
        if code != 250:
            raise Failed(f"EHLO was answered {code}")
        if server is smtplib.SMTP_SSL:
            lines.append("TLS established")
        elif transport != "SMTP" and relay.has_extn("starttls"):
            relay.starttls()
            lines.append("TLS established")
        elif transport == "SMTPS_ENCRYPT":
            raise Failed("the relay offers no TLS")


def imap(lines: Lines, data: dict[str, Any], *, login: bool = False) -> None:
    """Greet an IMAP server, and sign in where the settings have an account: that of people who sign in is their own."""
    secure = flag(data, "use_ssl", "useSsl")
    host, port = place(lines, data, 993 if secure else 143)
    name, password = text(data, "login"), text(data, "password")
    if login and not (name and password):
        raise Failed("not tried: login and password are missing")
    if not (name + password).isprintable():  # the library would send them as lines of their own
        raise Failed("not tried: login or password have more than one line")
    timeout = settings.SANDBOX_TIMEOUT
    with imaplib.IMAP4_SSL(host, port, ssl_context=trust(data), timeout=timeout) if secure else imaplib.IMAP4(
        host, port, timeout=timeout,
    ) as server:
        lines.append("IMAP greeting received")
        if login:
            server.login(name, password)
            lines.append("Signed in")
        elif "LOGINDISABLED" in server.capabilities:
            raise Failed("the server takes no passwords without TLS")
        else:
            lines.append("Not signed in: people do that with their own passwords")


def ldap(lines: Lines, data: dict[str, Any]) -> None:
    """Bind to a directory (RFC 4511, 4.2), as the account of the settings or as nobody."""
    secure = flag(data, "use_ssl", "useSsl")
    host, port = place(lines, data, 636 if secure else 389)
    user, password = text(data, "bind_user", "bindUser"), text(data, "bind_password", "bindPassword")
    if user and not password:  # servers answer such a bind with success, whoever asks (RFC 4513, 5.1.2)
        raise Failed("not tried: the password of the bind account is missing")
    with socket.create_connection((host, port), settings.SANDBOX_TIMEOUT) as plain:
        stream = trust(data).wrap_socket(plain, server_hostname=host) if secure else plain
        with stream:
            version, who = ber(0x02, b"\x03"), ber(0x04, user.encode())
            stream.sendall(ber(0x30, ber(0x02, b"\x01"), ber(0x60, version, who, ber(0x80, password.encode()))))
            code = bind_result(stream.recv(4096))
    if code:
        raise Failed(f"the bind was refused: {LDAP_RESULTS.get(code, f'result {code}')}")
    lines.append(f"Bound as {user}" if user else "Bound anonymously: no account is set")


def ber(tag: int, *contents: bytes) -> bytes:
    """An element of LDAP's encoding (X.690): its tag, its length, its content."""
    content = b"".join(contents)
    size = len(content).to_bytes(4)
    return bytes([tag, len(content)] if len(content) < 128 else [tag, 0x84, *size]) + content


def bind_result(answer: bytes) -> int:
    """The result code in the answer to a bind; Failed for what is no such answer."""
    for tag in (0x30, 0x02, 0x61, 0x0A):  # message, its number, BindResponse, resultCode
        if len(answer) < 2 or answer[0] != tag:
            raise Failed("the answer is not one to an LDAP bind")
        long = answer[1] & 0x7F if answer[1] > 0x7F else 0
        size = int.from_bytes(answer[2:2 + long]) if long else answer[1]
        content, rest = answer[2 + long:2 + long + size], answer[2 + long + size:]
        answer = rest if tag == 0x02 else content
    return int.from_bytes(answer)


def oidc(lines: Lines, data: dict[str, Any]) -> None:
    """Read what an OpenID provider says of itself. Its client's secret is used when somebody signs in, and not before."""
    issuer = text(data, "issuerUri")
    url = urlsplit(issuer)
    if url.scheme not in ("http", "https"):
        raise Failed("issuerUri is no web address")
    reach(lines, url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    address = issuer.rstrip("/") + "/.well-known/openid-configuration"
    with httpx.stream("GET", address, timeout=settings.SANDBOX_TIMEOUT, trust_env=False) as answer:
        body = b"".join(islice(answer.iter_bytes(4096), LARGEST))
    if answer.status_code != 200:
        raise Failed(f"{address} was answered {answer.status_code}")
    found = json.loads(body)
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        raise Failed("the provider names another issuer")
    lines.append("Provider found; clientId and clientSecret not tried")


def place(lines: Lines, data: dict[str, Any], port: int) -> tuple[str, int]:
    """Host and port of the settings."""
    host, found = text(data, "host"), data.get("port") or port
    if not isinstance(found, int):
        raise Failed("the port is not a number")
    reach(lines, host, found)
    return host, found


def reach(lines: Lines, host: str, port: int) -> None:
    """Write down where it goes, if it may. Unless told so, not even a name is looked up: the question would leave the machine."""
    lines.append(f"Connecting to {host}:{port}")
    if settings.SANDBOX_RELAY_CHECKS == "any" or host == "localhost":
        return
    with suppress(ValueError):
        if ip_address(host).is_loopback:
            return
    raise Failed("this sandbox connects to loopback only (SANDBOX_RELAY_CHECKS)")


def trust(data: dict[str, Any]) -> ssl.SSLContext:
    """Who is believed to be that server: whom the settings' certificate vouches for, else the usual authorities."""
    return ssl.create_default_context(cadata=text(data, "cert_pem", "certPem") or None)


def text(data: dict[str, Any], *names: str) -> str:
    """A setting, in either of its spellings."""
    return next((str(data[name]) for name in names if data.get(name)), "")


def flag(data: dict[str, Any], *names: str) -> bool:
    return any(data.get(name) is True for name in names)
