"""The product as it is served: gunicorn in a process of its own, on the embedded sandbox or on a gateway that can fail."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
PERSONAS = ("admin", "customer", "helpdesk", "owner")  # in the order in which `manage.py demo` prints their tokens
PASSED_ON = ("Authorization", "Content-Type", "X-Virus-Lover")
# gunicorn, and an end to it when whoever started it is gone, killed perhaps: then its standard input ends.
SERVE = """
import os, signal, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os.kill(os.getpid(), signal.SIGTERM)), daemon=True).start()
from gunicorn.app.wsgiapp import run
run()
"""
CALL = re.compile(r" portal\.api (\w+) ")


class Server:
    """A running portal. `calls()` are the gateway operations it has asked for, by the names of the contract."""

    def __init__(self, data: Path, log: Path, **environment: str) -> None:
        self.data, self.log, self.port = data, log, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = _environment(data, BIND=f"127.0.0.1:{self.port}", **environment)

    @contextmanager
    def running(self) -> Iterator["Server"]:
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", SERVE, "cleanmail_admin.wsgi"]
            with subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            ) as process:
                try:
                    self._until_it_answers(process)
                    yield self
                finally:
                    process.terminate()
                    try:
                        process.wait(60)
                    except subprocess.TimeoutExpired:
                        process.kill()

    def calls(self, since: int = 0) -> list[str]:
        """Every call to the gateway after a `mark`, in the order in which it was answered."""
        return CALL.findall(self.log.read_bytes()[since:].decode(errors="replace"))

    def mark(self) -> int:
        return self.log.stat().st_size

    def _until_it_answers(self, process: "subprocess.Popen[bytes]") -> None:
        for _ in range(2400):
            try:
                httpx.get(f"{self.url}/healthz", trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                if process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("The server did not start:\n" + self.log.read_text())


class Sandbox:
    """What the gateway really holds, asked over its own API as the system administrator."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=f"{url}/sandbox/api", headers=headers, trust_env=False, timeout=60)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def user(self, email: str) -> str:
        """The id of a mailbox."""
        (found,) = self.get("/users", email=email)
        return str(found["id"])

    def domain(self, name: str) -> str:
        """The id of a domain."""
        (found,) = self.get("/domains", name=name)
        return str(found["id"])

    def mails(self, email: str, folder: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/users/{email}/emails/{folder}", pageSize=1000)
        return found

    def subjects(self, email: str, folder: str) -> list[str]:
        return [str(mail.get("subject")) for mail in self.mails(email, folder)]

    def mail(self, email: str, words: str) -> str:
        """The id of the held mail with these words in its subject."""
        (found,) = (mail["id"] for mail in self.mails(email, "Quarantine") if words in str(mail.get("subject")))
        return str(found)

    def rules(self, email: str) -> list[dict[str, Any]]:
        """The sender rules of a mailbox."""
        found: list[dict[str, Any]] = self.get(f"/users/{self.user(email)}/wblist", pageSize=1000)
        return found

    def link(self, email: str) -> str:
        """The link that signs the owner of a mailbox in, as the gateway mails it; the part behind the host."""
        url = str(self.get("/token", username=email)["url"])
        return "/" + url.partition("://")[2].partition("/")[2]

    def domain_rules(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/domains/{self.domain(name)}/wblist", pageSize=1000)
        return found


class Gateway:
    """A gateway between a portal and the sandbox: it passes everything on, but for what a test makes it `refuse`.

    `refuse` has parts of addresses, and the status that each is answered with; 0 is to hang up without an answer.
    """

    portal = ""  # the address of the portal that talks to this gateway

    def __init__(self, sandbox_url: str) -> None:
        self.refuse: dict[str, int] = {}
        gateway, http = self, httpx.Client(base_url=f"{sandbox_url}/sandbox/api", trust_env=False, timeout=60)
        self._http = http

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                for part, status in list(gateway.refuse.items()):
                    if part in self.path and not status:
                        self.close_connection = True
                        return None
                    if part in self.path:
                        return self.send(status, b'{"message":"The gateway is having a bad day."}', {})
                kept = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
                answer = http.request(self.command, self.path, content=body, headers=kept)
                return self.send(answer.status_code, answer.content, answer.headers)

            def send(self, status: int, body: bytes, headers: Any) -> None:
                self.send_response(status)
                for name in ("X-Total-Count", "Content-Disposition"):
                    if name in headers:
                        self.send_header(name, headers[name])
                self.send_header("Content-Type", headers.get("Content-Type", "application/json"))
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 (the standard library's names)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Gateway"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._http.close()
            thread.join()


def prepare(data: Path) -> dict[str, str]:
    """Databases with the demo data, and the token of each persona."""
    command = [sys.executable, "manage.py", "demo", "--prepare"]
    done = subprocess.run(command, cwd=ROOT, env=_environment(data), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The demo data could not be made:\n{done.stdout}{done.stderr}")
    return dict(zip(PERSONAS, re.findall(r"\beyJ\S+", done.stdout), strict=True))


def sign_in(url: str, token: str) -> str:
    """The session key of somebody who has signed in."""
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as browser:
        form = browser.get("/sign-in/").text
        secret = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]  # masked anew in each form
        answer = browser.post("/sign-in/", data={"token": token, "csrfmiddlewaretoken": secret})
        assert answer.status_code == 302, answer.text
        return browser.cookies["session"]


def copy_database(source: Path, target: Path) -> None:
    """Through SQLite itself: the server has the database open, and a write-ahead log is part of it."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target, timeout=60)) as write:
        read.backup(write)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(data: Path, **more: str) -> dict[str, str]:
    ours = {"DATA_DIR": str(data), "DEBUG": "1", "WEB_CONCURRENCY": "1", "BATCH_WORKER": "thread", "LOG_LEVEL": "INFO"}
    return {**os.environ, "CLEANMAIL_API_URL": "", **ours, **more}
