"""A new version finds what the one before has stored, and lets that one go on beside it until all processes are new.

So a migration adds, and takes away only what no running version knows any more (docs/decisions/0022).
"""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import Client
from django.utils import timezone

from portal import session, vault
from portal.api import health
from portal.audit.models import Entry
from portal.batches import worker
from portal.batches.models import Batch, Row, State
from tests.conftest import Gateway, signed_in
from tests.pages.test_sign_in import jwt
from tests.shown import text

ROOT = Path(__file__).parents[1]
KEY, TOKEN = "a-session-of-the-version-before00", jwt(sub="boss")
BEFORE = [("sessions", "0001"), ("audit", "0002"), ("batches", "0002")]  # the first version that others ran


def migrate(data: Path, *target: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", *target]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DATA_DIR": str(data), "DEBUG": "1"}, check=True)


def insert(database: sqlite3.Connection, table: str, **columns: Any) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", [*columns.values()])


def store_as_before(database: sqlite3.Connection, number: int = 1) -> None:
    """What the version before stored of one person: a session, what that keeps, a try, an entry, and a batch half done."""
    now, soon = timezone.now(), timezone.now() + timedelta(hours=1)
    owner, key = vault.keyed("owner", TOKEN), f"{KEY}{number}"
    data = {
        "token": vault.seal(TOKEN), "who": "boss", "owner": owner, "mailbox": None, "sysadmin": None, "since": int(time.time()),
        "seen": int(time.time()), "ends": int(time.time()) + 3600, "_session_expiry": 43200,
    }
    insert(database, "django_session", session_key=key, session_data=SessionStore().encode(data), expire_date=soon)
    insert(database, "audit_signinattempt", at=now, address="a" * 64, token="b" * 64)
    insert(database, "audit_kept", session_id=key, name=vault.keyed("kept", "a key"), sealed=vault.seal("secret"), ends=soon)
    insert(
        database, "audit_entry", at=now, owner=owner, who="boss", operation="deleteDomain", target=f"domain {number}", url="",
        result="done", reason="", request_id="", once=None, lock="",
    )
    insert(
        database, "batches_batch", id=number, created=now, owner=owner, who="boss", session_key=key, operation=health.CHECK_DOMAIN.id,
        ids="{}", mailbox="", user="", url="/health/", form="", once=None, state="running", why="", lease=now, holder="gone",
    )
    for target, state, message in (
        ("d1", "done", "Checked."), ("d2", "running", ""), ("d3", "waiting", ""), ("d4", "refused", "Your account may not run its diagnostic."),
    ):
        insert(
            database, "batches_row", batch_id=number, target=target, label="", state=state, message=message, reason="", finished=None,
        )


@pytest.fixture
def upgraded(tmp_path: Path, transactional_db: None, gateway: Gateway) -> Client:
    """The browser of somebody who was signed in before, on the database of before."""
    for target in BEFORE:
        migrate(tmp_path, *target)
    with closing(sqlite3.connect(tmp_path / "portal.sqlite3")) as database, database:
        store_as_before(database)
    migrate(tmp_path)
    with closing(sqlite3.connect(tmp_path / "portal.sqlite3")) as database:
        with database:
            store_as_before(database, 2)  # a process of the version before, which nobody has ended yet
        with closing(sqlite3.connect(connections["default"].settings_dict["NAME"], timeout=20)) as test:
            database.backup(test)
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = f"{KEY}1"
    return browser


def test_sessions_batches_and_all_else_of_the_version_before_go_on(upgraded: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(200, json={"id": "d", "name": "d.example"})
    shown = text(upgraded.get("/activity/"))
    assert "domain 1" in shown
    assert "domain 2" in shown
    assert "Your account cannot run its health check." in text(upgraded.get("/batches/1/")), "stored in the words of before"
    request: Any = SimpleNamespace(session=SessionStore(f"{KEY}1"))
    assert session.kept_secret(request, "a key") == "secret"
    while batch := worker.claim():
        worker.run(batch)
    for number in (1, 2):
        rows = list(Row.objects.filter(batch_id=number).values_list("target", "state"))
        assert rows == [("d1", "done"), ("d2", "done"), ("d3", "done"), ("d4", "refused")]  # no entry says that d2 was sent
    assert not Batch.objects.exclude(state=State.DONE).exists()
    assert upgraded.post("/sign-out/").status_code == 302
    assert vault.kept(f"{KEY}1", "a key") == ""


def test_signing_in_again_finds_what_the_version_before_stored(upgraded: Client) -> None:
    for browser in (signed_in(TOKEN), signed_in(jwt(sub="boss", jti="another"))):
        assert "domain 1" in text(browser.get("/activity/"))
        assert browser.get("/batches/1/").status_code == 200
    assert Entry.objects.values("owner").distinct().count() == 1
    assert upgraded.get("/users/").status_code == 200, "the session of before goes on"
