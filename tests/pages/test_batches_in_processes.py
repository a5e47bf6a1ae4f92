"""Batches in worker processes that are killed, asked to end, or of an older version: no row is lost, and no mail goes out twice.

`KILLS=10 RELEASES=300 pytest tests/pages/test_batches_in_processes.py -k killed -s` kills more often.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.server import Server

ROOT = Path(__file__).parents[2]
TABLES = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
WORKER = [sys.executable, "manage.py", "batches"]
# A worker that is soon taken for dead: no test waits for a minute and a half.
IMPATIENT = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "cleanmail_admin.settings"
import django
django.setup()
from datetime import timedelta
from portal.batches import worker
worker.LEASE = timedelta(seconds=3)
worker.SIDE_BY_SIDE = int(os.environ.get("SIDE", worker.SIDE_BY_SIDE))
from portal.batches.dispatch import forever
forever()
"""
# Somebody is signed in; what is printed is the key of the session.
SIGN_IN = """
import os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "cleanmail_admin.settings"
import django
django.setup()
from importlib import import_module
from django.conf import settings
from portal.vault import seal
store = import_module(settings.SESSION_ENGINE).SessionStore()
now = int(time.time())
store.update({"token": seal("a-token"), "who": "x", "owner": "o", "mailbox": None, "since": now, "seen": now, "ends": now + 3600})
store.create()
print(store.session_key)
"""


class Quarantine:
    """A gateway in front of held mails. `sent` are those that it has released, as often as it did."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.pace = 0.02  # seconds for each request
        self.most = self._inside = 0  # requests at once
        self.gate = threading.Event()  # closed, nobody gets an answer to a release
        self.gate.set()
        lock, box = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    box._inside += 1
                    box.most = max(box.most, box._inside)
                if self.path.endswith("/release"):
                    with lock:
                        box.sent.append(self.path.split("/")[-2])
                    box.gate.wait(60)
                time.sleep(box.pace)
                with lock:
                    box._inside -= 1
                mail = self.path.rpartition("/")[2]
                body = json.dumps({"id": mail, "subject": f"Mail {mail}", "email": "a@b.example"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 (the standard library's names)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_who: None  # type: ignore[method-assign]  # a killed worker hangs up
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


class Portal:
    """The portal's processes, with a database of their own."""

    def __init__(self, data: Path, gateway: Quarantine) -> None:
        self.data, self.gateway = data, gateway
        self.environment = {**os.environ, "DATA_DIR": str(data), "DEBUG": "1", "CLEANMAIL_API_URL": gateway.url, "LOG_LEVEL": "ERROR"}

    def do(self, *command: str) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sql(self, question: str, **values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "portal.sqlite3", timeout=20)) as database, database:
            return database.execute(question, values).fetchall()

    def batch(self, session: str, *mails: str, number: int = 1, state: str = "waiting") -> None:
        """As the version before has written it, without what has come since."""
        self.sql(
            """INSERT INTO batches_batch (id, created, owner, who, session_key, operation, ids, mailbox, url, state, why, holder)
            VALUES (:number, '2026-01-01 00:00:00', 'o', 'x', :session, 'releaseEmail', :ids, '', '/', :state, '', '')""",
            number=number, session=session, state=state, ids=json.dumps({"userIdOrEmail": "u1", "folderPath": "Quarantine"}),
        )
        for mail in mails:
            self.sql(
                "INSERT INTO batches_row (batch_id, target, label, state, message, reason) VALUES (:number, :mail, '', 'waiting', '', '')",
                number=number, mail=mail,
            )

    @contextmanager
    def working(self, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
        with subprocess.Popen(command, cwd=ROOT, env=self.environment) as process:
            try:
                yield process
            finally:
                process.kill()

    def states(self) -> Counter[str]:
        return Counter(state for (state,) in self.sql("SELECT state FROM batches_row"))

    def until(self, seen: Any, seconds: float = 120) -> None:
        ends = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < ends, (self.states(), self.sql("SELECT state, why, lease FROM batches_batch"), len(self.gateway.sent))
            time.sleep(0.01)


@pytest.fixture
def gateway() -> Iterator[Quarantine]:
    box = Quarantine()
    thread = threading.Thread(target=box.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield box
    box.gate.set()
    box.server.shutdown()
    box.server.server_close()
    thread.join()


@pytest.fixture
def portal(tmp_path: Path, gateway: Quarantine) -> Portal:
    there = Portal(tmp_path, gateway)
    there.do(*TABLES)
    return there


def test_workers_that_are_killed_at_random_lose_no_mail_and_send_none_twice(portal: Portal, gateway: Quarantine) -> None:
    kills, releases = int(os.environ.get("KILLS", "3")), int(os.environ.get("RELEASES", "60"))
    mails = [f"m{n}" for n in range(releases)]
    session, chance = portal.do(sys.executable, "-c", SIGN_IN), random.Random(os.environ.get("SEED", "17"))  # noqa: S311
    for number in range(1, 5):
        portal.batch(session, *mails[number - 1 :: 4], number=number)
    at = sorted(chance.sample(range(5, releases - 5), kills))
    with ExitStack() as stack:
        workers = [stack.enter_context(portal.working(sys.executable, "-c", IMPATIENT)) for _ in range(2)]
        for sent in at:
            portal.until(lambda sent=sent: len(gateway.sent) >= sent)
            time.sleep(chance.random() / 3)  # at any moment of what is done for a mail
            place = chance.randrange(2)
            workers[place].kill()
            workers[place].wait()
            workers[place] = stack.enter_context(portal.working(sys.executable, "-c", IMPATIENT))
        portal.until(lambda: portal.sql("SELECT count(*) FROM batches_batch WHERE state = 'done'") == [(4,)])
    states, times = portal.states(), Counter(gateway.sent)
    print(f"{kills} kills, {releases} releases: {dict(states)}, {len(gateway.sent)} sent, {gateway.most} at once")
    assert max(times.values()) == 1, "sent twice"
    assert set(states) <= {"done", "unknown"} and states.total() == releases
    done = [mail for (mail,) in portal.sql("SELECT target FROM batches_row WHERE state = 'done'")]
    assert set(done) <= set(times), "told as released, and was not"
    assert states["unknown"] <= 2 * kills
    assert portal.sql("SELECT count(*) FROM audit_entry WHERE result = ''") == [(0,)], "nothing is told as running for ever"
    unknown = portal.sql("SELECT count(*) FROM audit_entry WHERE result = 'unknown'")
    assert unknown == [(states["unknown"],)]


def test_a_worker_that_is_asked_to_end_ends_what_is_in_flight_and_hands_the_batch_on(portal: Portal, gateway: Quarantine) -> None:
    mails = [f"m{n}" for n in range(20)]
    portal.batch(portal.do(sys.executable, "-c", SIGN_IN), *mails)
    gateway.gate.clear()
    with portal.working(*WORKER) as first:
        portal.until(lambda: len(gateway.sent) == 2)  # side by side
        first.send_signal(signal.SIGTERM)
        gateway.gate.set()
        assert first.wait(120) == 0
    assert (gateway.sent[2:], portal.states()) == ([], {"done": 2, "waiting": 18})
    assert portal.sql("SELECT state FROM batches_batch") == [("waiting",)], "nobody has to wait for a lease"
    with portal.working(*WORKER):
        portal.until(lambda: portal.states() == {"done": 20}, seconds=30)  # sooner than the first one's lease would have passed
    assert sorted(gateway.sent) == sorted(mails)
    assert portal.sql("SELECT count(*) FROM audit_entry WHERE result = 'done'") == [(20,)]


def test_a_web_process_that_is_asked_to_end_hands_its_batch_on(portal: Portal, gateway: Quarantine) -> None:
    mails = [f"m{n}" for n in range(20)]
    portal.batch(portal.do(sys.executable, "-c", SIGN_IN), *mails)
    gateway.gate.clear()
    server = Server(portal.data, portal.data / "log", CLEANMAIL_API_URL=gateway.url)
    with server.running():
        portal.until(lambda: len(gateway.sent) == 2)
        threading.Timer(1, gateway.gate.set).start()  # by then gunicorn has passed the signal on
    assert (gateway.sent[2:], portal.states()) == ([], {"done": 2, "waiting": 18})
    assert portal.sql("SELECT state FROM batches_batch") == [("waiting",)]
    assert "Traceback" not in server.log.read_text()


def test_a_batch_of_the_version_before_is_done_to_its_end(tmp_path: Path, gateway: Quarantine) -> None:
    portal = Portal(tmp_path, gateway)
    portal.do(*TABLES, "batches", "0002")
    portal.do(*TABLES, "sessions")
    portal.do(*TABLES, "audit")
    session = portal.do(sys.executable, "-c", SIGN_IN)
    portal.batch(session, "m1", "m2", "m3", state="running")
    portal.sql("UPDATE batches_row SET state = 'done', message = 'Released.', finished = '2026-01-01 00:00:01' WHERE target = 'm1'")
    portal.sql("UPDATE batches_row SET state = 'running' WHERE target = 'm2'")
    portal.sql("UPDATE batches_batch SET lease = '2026-01-01 00:01:30', holder = 'h'")  # its worker is gone
    portal.do(*TABLES)
    portal.batch(session, "m4", number=2)  # while the new version starts, the old one still writes
    with portal.working(*WORKER):
        portal.until(lambda: portal.states() == {"done": 4})
    assert sorted(gateway.sent) == ["m2", "m3", "m4"]
    assert portal.sql("SELECT target, message FROM batches_row ORDER BY target")[0] == ("m1", "Released.")
