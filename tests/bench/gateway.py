"""A canned gateway that answers at once: 40 rows as the contract's own examples have them, in this process or on loopback."""

import json
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import httpx

ROOT = Path(__file__).resolve().parents[2]
ROWS, TOTAL = 40, 4321
DAY = 24 * 3600 * 1000
NOW = 1_774_457_716_000
NAMES = ("Anna Keller", "Jørgen Ødegård", "Zoë O'Neill", "Cersei Lannister", "Léa Dubois", "María Núñez", "Max Muster", "Ida & Co")


def _example(operation: str) -> dict:
    """A row of a list (or the whole answer) as the contract shows it."""
    known = json.loads((ROOT / "docs/upstream/examples.json").read_text())
    body = next(e["response"]["body"] for e in known if e["operation_id"] == operation)
    return body[0] if isinstance(body, list) else body


def _users() -> list[dict]:
    rows = []
    for n in range(ROWS):
        first, _, last = NAMES[n % len(NAMES)].partition(" ")
        row = deepcopy(_example("listUsers"))
        row |= {"id": f"By{n:03}n", "email": f"person{n}@nordwind.example", "firstname": first, "lastname": last}
        row |= {"status": "DISABLED" if n % 9 == 0 else "ENABLED", "mfaType": None}
        row |= {"lastConnectionDate": None if n % 7 == 0 else NOW + n * DAY}
        rows.append(row)
    return rows


def _domains() -> list[dict]:
    rows = []
    for n in range(ROWS):
        row = deepcopy(_example("listDomains"))
        row |= {"id": f"Ey{n:03}k", "name": f"domain{n}.example", "status": "PENDING" if n % 9 == 0 else "ENABLED"}
        row |= {"activeUsersCount": n * 37, "policiesCount": n % 5, "quarantine": n % 2 == 0, "archive": n % 3 == 0}
        rows.append(row)
    return rows


def _mails() -> list[dict]:
    return [_mail(n) for n in range(ROWS)]


def _mail(n: int) -> dict:
    """A held mail with all of its headers, most of the row's bytes."""
    sender, domain = NAMES[n % len(NAMES)], f"sender{n}.example"
    hop = "from mail.{0} (mail.{0} [198.51.100.{1}]) by mx{1}.gateway.example with ESMTPS id {2:032x} for <a@nordwind.example>; {3}"
    date, score = "Wed, 25 Mar 2026 17:55:16 +0000", n / 2
    spam = n % 4 != 1
    headers = {
        "X-Fuglu-ID": f"{n:032x}",
        "Authentication-Results": f"mx1.gateway.example; spf=pass smtp.mailfrom={domain}; dkim=fail header.d={domain}; "
        f"dmarc=fail header.from={domain}",
        "Received-SPF": f"pass client-ip=198.51.100.7; envelope-from=<bounce@{domain}>",
        "X-Spam-Score": str(score),
        "X-Spam-Status": f"Yes, score={score} required=5.0 tests=BAYES_99,HTML_MESSAGE,MIME_HTML_ONLY,RCVD_IN_XBL,URIBL_BLACK",
        "X-Virus-Status": "Clean" if spam else "Infected (Eicar-Test-Signature)",
        "X-Quarantine-Reason": "SPAM" if spam else "VIRUS",
        "Received": [hop.format(domain, i, n + i, date) for i in range(1, 6)],
        "DKIM-Signature": f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=mail; h=from:to:subject:date; b={'Zk3+' * 86}",
        "ARC-Seal": f"i=1; a=rsa-sha256; s=arc; d={domain}; cv=none; b={'q8Xv' * 86}",
        "Date": date,
        "Message-ID": f"<{n:016x}@{domain}>",
        "From": f'"{sender}" <info@{domain}>',
        "To": "a@nordwind.example",
        "Subject": f"Your invoice No. {n} <is> overdue & must be paid",
        "List-Unsubscribe": f"<https://{domain}/unsubscribe?user={'7f' * 40}>",
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/mixed; boundary="=_1f2e3d4c"',
    }
    files = [{"id": "2", "name": "invoice.pdf", "type": "application/pdf", "size": 48_213}]
    return {
        "id": f"{n:032x}",
        "uri": f"/users/By000n/emails/Quarantine/{n:032x}",
        "sentDate": NOW - n * DAY // 9,
        "from": headers["From"],
        "to": [headers["To"]],
        "cc": [],
        "bcc": [],
        "subject": headers["Subject"],
        "size": 51_200 + 977 * n,
        "headers": headers,
        "attachments": {"attachments": files if n % 3 == 0 else [], "count": int(n % 3 == 0)},
        "hasAttachments": n % 3 == 0,
        "important": False,
        "seen": n % 2 == 0,
        "answered": False,
        "recent": False,
        "deleted": False,
    }


def _encoded(answer: object) -> bytes:
    """As the gateway writes it: the Content-Length of the examples is that of JSON laid out for people."""
    return json.dumps(answer, indent=2, separators=(",", " : "), ensure_ascii=False).encode()


USERS, DOMAINS, MAILS = _encoded(_users()), _encoded(_domains()), _encoded(_mails())
USER, DOMAIN = _encoded(_example("getUser")), _encoded(_domains()[1])
FOLDERS = _encoded([{"name": f, "path": f, "unreadMessageCount": 3, "messageCount": 1234} for f in ("INBOX", "Quarantine", "Sent")])


def answer(path: str) -> bytes:
    """The body for a path, whatever was asked in the query."""
    match unquote(path).strip("/").split("/"):
        case ["users"] | ["domains", _, "users"]:
            return USERS
        case ["users", _]:
            return USER
        case ["users", _, "emails", "folders"]:
            return FOLDERS
        case ["users", _, "emails", _]:
            return MAILS
        case ["domains"]:
            return DOMAINS
        case ["domains", _]:
            return DOMAIN
    raise LookupError(path)


HEADERS = {"Content-Type": "application/json", "X-Total-Count": str(TOTAL)}


class Canned(httpx.BaseTransport):
    """The gateway in this process. `calls` counts what it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        return httpx.Response(200, headers=HEADERS, content=answer(request.url.path))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = answer(urlsplit(self.path).path)
        self.send_response(200)
        for name, value in {**HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def on_loopback() -> ThreadingHTTPServer:
    """The gateway behind a real socket, in a thread of this process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    return server
