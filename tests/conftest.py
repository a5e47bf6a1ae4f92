"""What all tests share: a fresh sandbox, people who are signed in to it, and a gateway that misbehaves on demand."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils.http import urlencode

from cleanmail_admin import upstream
from portal.audit import log
from portal.ui import save
from portal.ui.pages import FORM

Handler = Callable[[httpx.Request], httpx.Response]

_post = Client.post


def _form(self: Client, path: str, data: Any = None, content_type: str = FORM[0], **more: Any) -> Any:
    """A form as a browser sends it. Django's own client makes an upload of each."""
    if content_type == FORM[0] and (data is None or isinstance(data, dict)):
        data = urlencode(data or {}, doseq=True)
    return _post(self, path, data, content_type, **more)


Client.post = _form  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def seeded(django_db_setup: None, django_db_blocker: Any) -> Path:
    """The sandbox's database with the demo data, made once; `sandbox` copies it for each test."""
    from sandbox import seed

    copy = settings.VAR / "seeded.sqlite3"
    with django_db_blocker.unblock():
        seed.seed()
        _copy(Path(connections["sandbox"].settings_dict["NAME"]), copy)
        connections.close_all()
    return copy


@pytest.fixture
def sandbox(seeded: Path, transactional_db: None, request: pytest.FixtureRequest) -> dict[str, str]:
    """A fresh sandbox; the value is its demo tokens: administrator, customer's administrator, helpdesk, end user.

    Needs `pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])`.
    """
    from sandbox import seed

    _copy(seeded, Path(connections["sandbox"].settings_dict["NAME"]))
    names = ("admin", "customer", "helpdesk", "owner")
    return dict(zip(names, seed.demo_tokens().values(), strict=True))


def _copy(source: Path, target: Path) -> None:
    """Through SQLite itself: other connections may be open, and a write-ahead log is part of a database."""
    with sqlite3.connect(source) as read, sqlite3.connect(target, timeout=60) as write:
        read.backup(write)
    read.close()
    write.close()


def signed_in(token: str) -> Client:
    """A browser of somebody who has signed in with this token."""
    browser = Client()
    answer = browser.post("/sign-in/", {"token": token})
    assert answer.status_code == 302, answer.content.decode()
    return browser


@pytest.fixture
def as_admin(sandbox: dict[str, str]) -> Client:
    """The system administrator."""
    return signed_in(sandbox["admin"])


@pytest.fixture
def as_customer(sandbox: dict[str, str]) -> Client:
    """The administrator of one customer."""
    return signed_in(sandbox["customer"])


@pytest.fixture
def as_helpdesk(sandbox: dict[str, str]) -> Client:
    """A person at the helpdesk who may look, and nothing else."""
    return signed_in(sandbox["helpdesk"])


@pytest.fixture
def as_owner(sandbox: dict[str, str]) -> Client:
    """anna.keller@nordwind.example, who owns a mailbox."""
    return signed_in(sandbox["owner"])


@pytest.fixture(autouse=True)
def no_probe_is_remembered() -> None:
    """`/readyz` keeps its answer for some seconds; no test inherits it."""
    from portal.pages import probes

    probes._known["at"] = -probes.FRESH


@pytest.fixture(autouse=True)
def files_are_made_as_before() -> Iterator[None]:
    """`gunicorn.conf.py` hides what its whole process makes; a test that reads it does not do so to the tests behind it."""
    mask = os.umask(0o022)
    os.umask(mask)
    yield
    os.umask(mask)


@pytest.fixture(autouse=True)
def rows_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch in a test runs in the test's own thread, which sees what the test has stored."""
    monkeypatch.setattr("portal.batches.worker.SIDE_BY_SIDE", 1)


@pytest.fixture(autouse=True)
def no_call_writes_the_session(monkeypatch: pytest.MonkeyPatch) -> threading.local:
    """What `together` calls may run in a thread of the pool: there the session is read, and never written.

    Where a test asks for another page during such a call, it says with `calls` that this one is no part of the call.
    """
    from portal import session
    from portal.ui import pages

    here, answer = threading.local(), pages._or_error

    def calling(call: Callable[[], Any]) -> Any:
        above, here.calls = getattr(here, "calls", False), True
        try:
            return answer(call)
        finally:
            here.calls = above

    def guarded(write: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*args: Any, **more: Any) -> Any:
            assert not getattr(here, "calls", False), "a call beside others writes the session"
            return write(*args, **more)

        return checked

    monkeypatch.setattr(pages, "_or_error", calling)
    for name in ("_locked", "drop", "forget_secret"):  # every write of `portal.session` goes through one of them
        monkeypatch.setattr(session, name, guarded(getattr(session, name)))
    return here


class Gateway:
    """A gateway that answers what a test wants. `answer` may be changed at any time; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.answer: Handler = lambda request: httpx.Response(200, json=[], headers={"X-Total-Count": "0"})
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        return self.answer(request)


@pytest.fixture
def gateway(db: None, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Instead of the sandbox, a gateway that the test speaks for."""
    mock = Gateway()
    monkeypatch.setattr(upstream, "transport", lambda: httpx.MockTransport(mock))
    return mock


@pytest.fixture
def browser_of_somebody(gateway: Gateway) -> Client:
    """Somebody signed in to the mock gateway (of several mailboxes, so no end user)."""
    browser = signed_in("an-opaque-token-of-a-test")
    gateway.asked.clear()
    return browser


@pytest.fixture
def other_click(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """What another click does right after this one has asked whether there was one, and before it reads anything."""

    def between(click: Callable[[], Any]) -> None:
        def repeated(*question: Any) -> Any:
            monkeypatch.setattr(save, "repeated", log.repeated)
            answer = log.repeated(*question)
            click()
            return answer

        monkeypatch.setattr(save, "repeated", repeated)

    return between
