"""One side of the comparison in a process of its own: `python -m tests.bench.worker ours|floor|admin`.

Reads commands as lines of JSON and answers each with one line; the requests go through the side's WSGI application, with
all of its middleware, in this process. What is measured is the CPU time of the process, threads included.
"""

import gc
import json
import re
import sys
import time
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.bench import gateway


class Browser:
    """Speaks WSGI to an application, over what looks like HTTPS, and keeps its cookies."""

    def __init__(self, application: Any) -> None:
        self.application, self.cookies = application, SimpleCookie()

    def ask(self, address: str, headers: dict[str, str] | None = None, form: dict[str, str] | None = None) -> tuple[int, bytes]:
        parts = urlsplit(address)
        body = urlencode(form or {}).encode()
        environ = {
            "REQUEST_METHOD": "GET" if form is None else "POST",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if form else "",
            "CONTENT_LENGTH": str(len(body)) if form else "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_X_FORWARDED_PROTO": "https",
            "HTTP_REFERER": "https://localhost/",
            "HTTP_ACCEPT_LANGUAGE": "en",
            "HTTP_COOKIE": "; ".join(f"{name}={one.value}" for name, one in self.cookies.items()),
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(body),
            **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in (headers or {}).items()},
        }
        answered: list[Any] = []
        answer = self.application(environ, lambda *said: answered.extend(said))
        content = b"".join(answer)
        answer.close()
        for name, value in answered[1]:
            if name == "Set-Cookie":
                self.cookies.load(value)
        return int(answered[0].split()[0]), content

    def submit(self, address: str, **form: str) -> None:
        """Fill in a form of our own or of Django's admin."""
        page = self.ask(address)[1].decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        status, answer = self.ask(address, form={"csrfmiddlewaretoken": token[1] if token else "", **form})
        if status != 302:
            sys.exit(f"{address} answered {status}: {answer[:2000].decode()}")


def ours(canned: gateway.Canned) -> Browser:
    """The portal as it runs in production, signed in; the database is migrated and the static files are collected."""
    from cleanmail_admin import upstream
    from cleanmail_admin.wsgi import application

    upstream.transport = lambda: canned
    browser = Browser(application)
    browser.submit("/sign-in/", token="an-opaque-token-of-the-benchmark")
    return browser


def floor(canned: gateway.Canned) -> Browser:
    """The page by hand: tests/bench/floor.py."""
    from django.conf import settings

    from tests.bench import floor

    settings.configure(**floor.SETTINGS)
    application = _migrated()
    floor.gateway = floor.connect(canned)
    browser = Browser(application)
    browser.cookies["sessionid"] = floor.sign_in()
    return browser


def admin(canned: gateway.Canned) -> Browser:
    """Django's own list of an equal model, with as many rows: tests/bench/models.py and admin.py."""
    from django.conf import settings

    from tests.bench import peer

    settings.configure(**peer.SETTINGS)
    application = _migrated()
    peer.fill(json.loads(gateway.USERS))
    browser = Browser(application)
    browser.submit("/admin/login/?next=/admin/", username="root", password="root")
    return browser


def _migrated() -> Any:
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    return application


def main(side: str) -> None:
    canned = gateway.Canned()
    browser = {"ours": ours, "floor": floor, "admin": admin}[side](canned)
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing else may write between the answers
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        address, headers, times = command["address"], command.get("headers"), command.get("times", 1)
        before = canned.calls
        gc.collect()
        started = time.process_time()
        for _ in range(times):
            status, content = browser.ask(address, headers)
        spent = time.process_time() - started
        if status != 200:
            sys.exit(f"{address} answered {status}: {content[:2000].decode()}")
        found = {"ms": spent * 1000 / times, "calls": (canned.calls - before) / times, "bytes": len(content)}
        if command.get("whole"):
            found["content"] = content.decode()
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
