"""Threads, calls side by side and connections agree: with a slow gateway everybody waits, and nobody loses."""

import runpy
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from cleanmail_admin import capacity, upstream
from portal.api import client as module, users
from portal.api.client import Client, Page
from portal.api.errors import Busy
from portal.ui import pages
from portal.ui.pages import together

LONG = 30  # seconds: nothing takes so long unless somebody waits for ever


class Crowd(ThreadingHTTPServer):
    """A gateway that answers nobody before so many ask at once."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, wanted: int) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.wanted, self.asking, self.lock = wanted, 0, threading.Lock()
        self.asked, self.full = threading.Event(), threading.Event()
        self.client_address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def client(self, transport: httpx.BaseTransport) -> Client:
        return Client(transport, self.client_address, "token")


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Crowd

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asking += 1
            self.server.asked.set()
            if self.server.asking == self.server.wanted:
                self.server.full.set()
        self.server.full.wait(LONG)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def network() -> Iterator[httpx.HTTPTransport]:
    with upstream.network() as transport:
        yield transport


def test_when_all_threads_ask_a_slow_gateway_for_all_they_may_everybody_gets_an_answer(network, monkeypatch):
    monkeypatch.setattr(pages, "_side_by_side", ThreadPoolExecutor(capacity.CALLS_AT_ONCE))
    crowd = Crowd(capacity.CONNECTIONS)

    def ask() -> Page[users.User]:
        return crowd.client(network).page(users.LIST, users.User)

    with ThreadPoolExecutor(capacity.THREADS) as requests, ThreadPoolExecutor(capacity.BATCH_CALLS) as rows:
        shown = [requests.submit(together, ask, ask, ask) for _ in range(capacity.THREADS)]
        released = [rows.submit(ask) for _ in range(capacity.BATCH_CALLS)]
        answers = [*(one for page in shown for one in page.result(LONG)), *(row.result(LONG) for row in released)]
    assert answers == [Page([], 0)] * (3 * capacity.THREADS + capacity.BATCH_CALLS)
    crowd.shutdown()
    crowd.server_close()


def test_who_gets_no_connection_in_time_reads_that_it_is_busy_and_not_that_nobody_is_there(monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", httpx.Timeout(LONG, pool=0.1))
    crowd = Crowd(wanted=2)
    with httpx.HTTPTransport(limits=httpx.Limits(max_connections=1)) as narrow, ThreadPoolExecutor(1) as other:
        first = other.submit(crowd.client(narrow).page, users.LIST, users.User)
        assert crowd.asked.wait(LONG)
        with pytest.raises(Busy):
            crowd.client(narrow).page(users.LIST, users.User)
        crowd.full.set()
        assert first.result(LONG) == Page([], 0)
    crowd.shutdown()
    crowd.server_close()


def test_calls_that_ask_for_several_calls_never_wait_for_each_other(monkeypatch):
    monkeypatch.setattr(pages, "_side_by_side", ThreadPoolExecutor(1))
    begun = threading.Event()

    def several() -> list[str]:
        begun.set()
        return together(lambda: "b", lambda: "c")

    with ThreadPoolExecutor(1) as request:
        page = request.submit(together, lambda: begun.wait(LONG), several)
        assert page.result(LONG) == [True, ["b", "c"]]


def test_a_page_is_made_although_the_threads_of_all_calls_are_taken(monkeypatch):
    pool, over = ThreadPoolExecutor(1), threading.Event()
    monkeypatch.setattr(pages, "_side_by_side", pool)
    pool.submit(over.wait, LONG)
    with ThreadPoolExecutor(1) as request:
        assert request.submit(together, lambda: "a", lambda: "b", lambda: "c").result(LONG) == ["a", "b", "c"]
    over.set()


def test_gunicorn_has_as_many_threads_as_the_connections_are_counted_for():
    gunicorn = runpy.run_path(str(Path(settings.BASE_DIR) / "gunicorn.conf.py"))
    assert gunicorn["threads"] == capacity.THREADS
    assert gunicorn["threads"] + settings.CALLS_AT_ONCE <= capacity.CONNECTIONS
    assert gunicorn["worker_connections"] + 6 * capacity.CONNECTIONS < 1024, "files that a process may have open"
