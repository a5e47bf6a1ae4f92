"""The client against a gateway that answers wrongly, late, or not at all: over a mock, and over real loopback sockets."""

import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import message_from_bytes
from email.policy import HTTP
from io import BytesIO
from typing import Any

import httpx
import msgspec
import pytest

from cleanmail_admin import upstream
from portal.api import auth_tokens, client as module, files, mail, users
from portal.api.client import Client, Page
from portal.api.errors import (
    ApiError,
    BadAnswer,
    Busy,
    Conflict,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    Refused,
    SignedOut,
    TimedOut,
    TooFast,
    Unmet,
    Unreachable,
    UpstreamFailed,
)
from portal.api.files import File
from portal.audit.log import is_unclear

TOKEN = "seekrit-token-of-a-person"
ADDRESS = "anna.keller@nordwind.example"
RELEASE = {"userIdOrEmail": ADDRESS, "folderPath": "Quarantine", "fugluId": "m1"}
PART = {"userId": ADDRESS, "folderPath": "Quarantine", "emailId": "m1", "partId": "2"}

Answer = Callable[[httpx.Request], httpx.Response]


class Asked(list[httpx.Request]):
    """What a mock gateway was asked."""

    def client(self, answer: Answer | httpx.Response | Exception, token: str = TOKEN, request_id: str = "") -> Client:
        def handle(request: httpx.Request) -> httpx.Response:
            self.append(request)
            said = answer(request) if callable(answer) else answer
            if isinstance(said, Exception):
                raise said
            return said

        return Client(httpx.MockTransport(handle), "http://gateway.test/api", token, request_id)


@pytest.fixture
def asked() -> Asked:
    return Asked()


class Drip(httpx.SyncByteStream):
    """A body that comes in the given chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.closed = chunks, False

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        self.closed = True


class Wire:
    """A server on loopback. Each request is answered with the next of `answers`, bytes as they are, and then hung up.

    An answer that is None is none: the connection is closed, or with `silent` left open without a word. `keep` keeps the
    connection open after an answer, so that the next request comes over it.
    """

    def __init__(self, *answers: bytes | None, keep: bool = False, silent: bool = False) -> None:
        self.answers, self.keep, self.silent = list(answers), keep, silent
        self.requests: list[bytes] = []
        self.connections = 0
        self.connection: socket.socket | None = None
        self.over = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Wire":
        self.thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.over.set()
        with suppress(OSError):  # wakes recv, and accept
            if self.connection:
                self.connection.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            socket.create_connection(self.server.getsockname(), timeout=60).close()
        self.thread.join(10)
        self.server.close()

    def client(self, transport: httpx.BaseTransport) -> Client:
        return Client(transport, self.url, TOKEN)

    def _serve(self) -> None:
        while not self.over.is_set():
            connection, _peer = self.server.accept()
            self.connection = connection
            self.connections += 1
            with connection, suppress(OSError):
                connection.settimeout(60)
                while not self.over.is_set() and self._answer(connection):
                    pass

    def _answer(self, connection: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (more := connection.recv(65536)):
                return False
            request += more
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            if self.silent:
                self.over.wait(60)
            return False
        connection.sendall(answer)
        return self.keep


@pytest.fixture
def network() -> Iterator[httpx.HTTPTransport]:
    with upstream.network() as transport:
        yield transport


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


# Statuses


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, SignedOut),
        (403, NotAllowed),
        (404, NotFound),
        (409, Conflict),
        (412, PreconditionFailed),
        (418, UpstreamFailed),
        (422, Unmet),
        (429, TooFast),
        (500, UpstreamFailed),
        (502, UpstreamFailed),
        (302, UpstreamFailed),
        (304, UpstreamFailed),
    ],
)
def test_every_status_that_is_no_success_is_its_own_error_for_a_read_a_write_and_a_download(asked, status, error):
    said = {"message": "No, because.", "fields": {"email": "taken"}}
    api = asked.client(lambda request: httpx.Response(status, json=said, headers={"Location": "http://elsewhere.test/"}))
    calls = (
        (lambda: api.call(users.READ, users.User, ids={"userId": "1"}), users.READ),
        (lambda: api.page(users.LIST, users.User), users.LIST),
        (lambda: api.call(mail.RELEASE, ids=RELEASE), mail.RELEASE),
        (lambda: api.stream(mail.PART, ids=PART), mail.PART),
    )
    for number, (call, op) in enumerate(calls, 1):
        with pytest.raises(ApiError) as caught:
            call()
        assert type(caught.value) is error
        assert (caught.value.operation, caught.value.message, caught.value.fields) == (op.id, "No, because.", {"email": "taken"})
        assert caught.value.request_id == api.request_id
        assert len(asked) == number, "asked once each: no redirect followed, no error retried"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 60),
        (b"", 60),
        (b"120", 120),
        (b"0", 1),
        (b"99999", 3600),
        (b"-5", 60),
        (b"1.5", 60),
        (b"Wed, 21 Oct 2026 07:28:00 GMT", 60),
        (b"\xb2", 60),  # a superscript two, which Python calls a digit
        ("٣".encode(), 60),
        (b"9" * 5000, 60),  # more digits than Python reads
    ],
)
def test_the_wait_of_a_429_is_what_the_gateway_says_within_reason(asked, header, seconds):
    headers = [] if header is None else [(b"Retry-After", header)]
    api = asked.client(httpx.Response(429, headers=headers))
    with pytest.raises(TooFast) as caught:
        api.page(users.LIST, users.User)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_write_without_a_wanted_body_succeeds_with_every_2xx(asked, status):
    assert asked.client(httpx.Response(status)).call(mail.RELEASE, ids=RELEASE) is None
    assert len(asked) == 1


# Answers that are not what was agreed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Sign in to the hotel</title>",
        b"nonsense",
        b"null",
        b"[]",
        b"[[]]",
        b'"text"',
        b'{"id": 1',
        b'{"email": ["a"]}',
        b'{"creationDate": "yesterday"}',
        b'{"email": "\xff\xfe"}',
        b'{"email": "\\ud800"}',
        b'{"creationDate": ' + b"9" * 5000 + b"}",
        b'{"policy": ' * 50_000,
        b'{"unknown": ' + b"[" * 50_000,
    ],
    ids=lambda body: body[:30],
)
def test_an_answer_in_another_shape_makes_no_sense(asked, body):
    with pytest.raises(BadAnswer):
        asked.client(httpx.Response(200, content=body)).call(users.READ, users.User, ids={"userId": "1"})


def test_headers_nested_without_end_make_no_sense(asked):
    body = b'{"headers": {"X": ' + b"[" * 50_000
    with pytest.raises(BadAnswer):
        asked.client(httpx.Response(200, content=body)).call(
            mail.READ, mail.MessageContent, ids={"userIdOrEmail": "1", "folderPath": "Q", "fugluIdOrMailId": "m"}
        )


@pytest.mark.parametrize("body", [b"{}", b"null", b'[{"id": 1}, 2]', b'{"rows": []}'])
def test_a_list_in_another_shape_makes_no_sense(asked, body):
    with pytest.raises(BadAnswer):
        asked.client(httpx.Response(200, content=body)).page(users.LIST, users.User)


def test_an_answer_that_cannot_be_unpacked_makes_no_sense(asked):
    api = asked.client(lambda request: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Drip(iter([b"no gzip"]))))
    with pytest.raises(BadAnswer):
        api.page(users.LIST, users.User)
    with pytest.raises(BadAnswer) as caught:
        api.call(mail.RELEASE, ids=RELEASE)
    assert is_unclear(caught.value), "it was sent and the answer is not readable: it may have happened"
    assert [request.method for request in asked].count("POST") == 1
    assert all(request.headers["Accept-Encoding"] == "identity" for request in asked)


def test_a_captive_portal_that_says_200_to_a_write_is_no_success(asked):
    api = asked.client(httpx.Response(200, html="<h1>Welcome to the hotel</h1>"))
    with pytest.raises(BadAnswer):
        api.call(mail.RELEASE, ids=RELEASE)
    assert len(asked) == 1


JUNK = [b"<h1>Welcome to the hotel</h1>", b"OK", b"{", b'{"id": 1', b'{"id": "d1"} and more', b"\xff\xfe", b"[" * 50_000, b"nul"]


@pytest.mark.parametrize("body", JUNK, ids=lambda body: body[:20])
@pytest.mark.parametrize("media", ["application/json", "text/html", "text/plain", ""])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_with_junk_as_the_answer_to_a_write_is_not_known_to_be_one(asked, body, media, status):
    api = asked.client(lambda request: httpx.Response(status, content=body, headers={"Content-Type": media} if media else {}))
    for type in (None, users.User):
        with pytest.raises(BadAnswer) as caught:
            api.call(mail.RELEASE, type, ids=RELEASE)
        assert is_unclear(caught.value)
        assert caught.value.wrote
    assert len(asked) == 2, "no write is repeated"
    with pytest.raises(BadAnswer) as caught:
        api.call(users.READ, users.User, ids={"userId": "1"})
    assert not caught.value.wrote


@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}", b'{"id": "m1"}', b"[]", b"null", b'"done"'])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_write_without_a_wanted_body_may_be_answered_with_any_json(asked, body, status):
    assert asked.client(httpx.Response(status, content=body)).call(mail.RELEASE, ids=RELEASE) is None


@pytest.mark.parametrize("body", [b"", b" ", b"null", b"[]", b'"done"'])
def test_a_write_whose_answer_lacks_what_it_should_bring_is_not_known_to_be_done(asked, body):
    with pytest.raises(BadAnswer) as caught:
        asked.client(httpx.Response(201, content=body)).call(users.CREATE, users.User, json={})
    assert caught.value.wrote


def test_unknown_fields_are_ignored_and_missing_ones_are_none(asked):
    answer = httpx.Response(200, content=b'{"id": 7, "surprise": {"a": [1, 2]}, "email": null}')
    assert asked.client(answer).call(users.READ, users.User, ids={"userId": "7"}) == users.User(id=7)


@pytest.mark.parametrize("where", ["call", "page", "stream", "write"])
def test_an_answer_larger_than_the_limit_is_dropped(asked, monkeypatch, where):
    monkeypatch.setattr(module, "LARGEST", 1000)
    body = Drip(iter([b" " * 400] * 100))
    api = asked.client(httpx.Response(500 if where == "stream" else 200, stream=body))
    calls: dict[str, Callable[[], Any]] = {
        "call": lambda: api.call(users.READ, users.User, ids={"userId": "1"}),
        "page": lambda: api.page(users.LIST, users.User),
        "stream": lambda: api.stream(mail.PART, ids=PART),
        "write": lambda: api.call(mail.RELEASE, ids=RELEASE),
    }
    with pytest.raises(BadAnswer):
        calls[where]()
    assert len(list(body.chunks)) == 97, "reading stopped with the third chunk"
    assert body.closed
    assert len(asked) == 1


def test_a_file_of_which_nothing_was_read_gives_its_connection_back(asked):
    body = Drip(iter([b"a file"]))
    file = asked.client(httpx.Response(200, stream=body)).stream(mail.PART, ids=PART)
    file.chunks.close()  # type: ignore[attr-defined] (who asked for it was gone before the first piece)
    assert body.closed


@pytest.mark.parametrize(("where", "most"), [("page", 8), ("list", 16)])
def test_of_a_list_no_more_is_read_than_a_list_may_have(asked, where, most):
    body = Drip(iter([b" " * 2**20] * 100))
    api = asked.client(httpx.Response(200, stream=body))
    with pytest.raises(BadAnswer):
        api.page(users.LIST, users.User) if where == "page" else api.call(
            mail.FOLDERS, list[mail.Folder], ids={"userIdOrEmail": "1"}
        )
    assert len(list(body.chunks)) == 100 - most - 1


@pytest.mark.parametrize(("status", "error"), [(401, SignedOut), (500, UpstreamFailed)])
def test_of_a_refusal_no_more_is_read_than_a_reason_can_be_in(asked, status, error):
    body = Drip(iter([b" " * 2**15] * 5000))
    with pytest.raises(error):
        asked.client(httpx.Response(status, stream=body)).call(users.LIST)
    assert len(list(body.chunks)) > 4990
    assert body.closed


def test_an_answer_of_just_the_limit_is_read(asked, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1000)
    assert asked.client(httpx.Response(200, content=b"[]".ljust(1000))).page(users.LIST, users.User).rows == []


# The total of a list


def rows(count: int) -> bytes:
    return msgspec.json.encode([{"id": n} for n in range(count)])


@pytest.mark.parametrize(
    ("header", "offset", "count", "total"),
    [
        ("1234", 0, 40, 1234),
        ("0", 0, 0, 0),
        (None, 0, 3, 3),
        (None, 40, 40, 81),  # full: there may be one more page
        (None, 80, 0, 80),
        ("-5", 0, 0, 0),
        ("-5", 40, 3, 43),
        ("2", 0, 40, 40),  # less than it has sent
        ("many", 0, 3, 3),
        ("", 0, 3, 3),
        ("1e3", 0, 3, 3),
        ("1.0", 0, 3, 3),
    ],
)
def test_the_total_is_what_the_gateway_counts_or_what_can_be_seen(asked, header, offset, count, total):
    headers = {} if header is None else {"X-Total-Count": header}
    page = asked.client(httpx.Response(200, content=rows(count), headers=headers)).page(users.LIST, users.User, offset=offset)
    assert (len(page.rows), page.total) == (count, total)


@pytest.mark.parametrize("digits", [20, 400, 4000, 5000])
def test_a_total_beyond_all_measure_is_still_a_number_one_can_page_through(asked, digits):
    headers = {"X-Total-Count": "9" * digits}
    page = asked.client(httpx.Response(200, content=rows(1), headers=headers)).page(users.LIST, users.User)
    assert 1 <= page.total < 2**63


def test_more_rows_than_asked_for_are_cut(asked):
    page = asked.client(httpx.Response(200, content=rows(50))).page(users.LIST, users.User, size=40)
    assert isinstance(page, Page)
    assert [row.id for row in page.rows] == list(range(40))


def test_a_page_asks_for_offset_size_sort_and_filter_and_for_no_more(asked):
    api = asked.client(httpx.Response(200, content=b"[]"))
    api.page(users.LIST, users.User, offset=80, size=20, sort="-email", query={"email": "*a&b=c#d*"})
    assert dict(asked[0].url.params) == {"offset": "80", "pageSize": "20", "sort": "-email", "email": "*a&b=c#d*"}
    api.page(users.LIST, users.User)
    assert dict(asked[1].url.params) == {"offset": "0", "pageSize": "40"}
    assert asked[1].url.path == "/api/users"


# Connections that break


@pytest.mark.parametrize("problem", [httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError])
def test_a_read_over_a_broken_connection_is_asked_once_more(asked, problem):
    answers = iter([problem("broken"), httpx.Response(200, content=b"[]")])
    assert asked.client(lambda request: next(answers)).page(users.LIST, users.User).rows == []
    assert len(asked) == 2


def test_a_read_that_breaks_twice_is_not_asked_a_third_time(asked):
    with pytest.raises(BadAnswer):
        asked.client(httpx.ReadError("broken")).page(users.LIST, users.User)
    assert len(asked) == 2


@pytest.mark.parametrize("problem", [httpx.ReadTimeout, httpx.WriteTimeout])
def test_a_read_is_never_asked_again_after_a_timeout(asked, problem):
    with pytest.raises(TimedOut) as caught:
        asked.client(problem("slow")).page(users.LIST, users.User)
    assert not caught.value.wrote
    assert len(asked) == 1


@pytest.mark.parametrize(
    "problem",
    [
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.RemoteProtocolError,
        httpx.ReadError,
        httpx.WriteError,
        httpx.CloseError,
    ],
)
@pytest.mark.parametrize("op", [mail.RELEASE, users.CREATE, users.EDIT, users.DELETE])
def test_a_write_that_broke_is_never_sent_twice_and_may_have_happened(asked, op, problem):
    ids = RELEASE if op is mail.RELEASE else {} if op is users.CREATE else {"userId": "1"}
    with pytest.raises(TimedOut) as caught:
        asked.client(problem("broken")).call(op, ids=ids)
    assert caught.value.wrote
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("problem", "error"), [(httpx.ConnectError, Unreachable), (httpx.ConnectTimeout, Unreachable), (httpx.PoolTimeout, Busy)]
)
@pytest.mark.parametrize(("op", "ids"), [(users.LIST, {}), (mail.RELEASE, RELEASE), (auth_tokens.ISSUE, {})])
def test_without_a_connection_nothing_was_sent(asked, op, ids, problem, error):
    with pytest.raises(Unreachable) as caught:
        asked.client(problem("no way")).call(op, ids=ids)
    assert type(caught.value) is error
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("broken"),
        httpx.ReadError("broken"),
        httpx.Response(200, html="<h1>Welcome to the hotel</h1>"),
        httpx.Response(200, content=b'{"token": '),
    ],
    ids=str,
)
def test_a_token_is_asked_for_once_though_it_is_a_get_and_without_an_answer_nobody_knows_whether_there_is_one(asked, answer):
    with pytest.raises((TimedOut, BadAnswer)) as caught:
        asked.client(answer).call(auth_tokens.ISSUE, dict)
    assert caught.value.wrote
    assert is_unclear(caught.value)
    assert [request.method for request in asked] == ["GET"]


def test_a_port_where_nobody_listens_is_unreachable(network):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    api = Client(network, url, TOKEN)
    with pytest.raises(Unreachable):
        api.page(users.LIST, users.User)
    with pytest.raises(Unreachable):
        api.call(mail.RELEASE, ids=RELEASE)
    with pytest.raises(Unreachable):
        api.stream(mail.PART, ids=PART)


def test_a_kept_connection_that_died_costs_a_reader_nothing(network):
    with Wire(http(b"[]"), None, http(b'[{"id": 5}]'), keep=True) as wire:
        assert wire.client(network).page(users.LIST, users.User).rows == []
        assert wire.client(network).page(users.LIST, users.User).rows == [users.User(id=5)]
        assert (len(wire.requests), wire.connections) == (3, 2)


def test_half_an_answer_to_a_read_is_asked_again(network):
    with Wire(http(b'[{"id"', length=100), http(b'[{"id": 5}]')) as wire:
        assert wire.client(network).page(users.LIST, users.User).rows == [users.User(id=5)]
        assert len(wire.requests) == 2


def test_half_an_answer_twice_makes_no_sense(network):
    half = http(b"[]", length=100)
    with Wire(half, half, half) as wire:
        with pytest.raises(BadAnswer):
            wire.client(network).page(users.LIST, users.User)
        assert len(wire.requests) == 2


@pytest.mark.parametrize("answer", [http(b"{", length=100), b"HTTP/1.1 2", b"", None, b"220 smtp.test ESMTP ready\r\n"])
def test_half_an_answer_to_a_write_may_mean_that_it_happened(network, answer):
    with Wire(answer) as wire:
        with pytest.raises(TimedOut) as caught:
            wire.client(network).call(mail.RELEASE, ids=RELEASE)
        assert caught.value.wrote
        assert len(wire.requests) == 1


@pytest.mark.parametrize("op", [users.LIST, users.CREATE])
def test_a_gateway_that_never_answers_is_left_and_the_call_is_not_repeated(network, monkeypatch, op):
    monkeypatch.setattr(module, "TIMEOUT", httpx.Timeout(5, read=0.2))
    with Wire(None, silent=True) as wire:
        with pytest.raises(TimedOut) as caught:
            wire.client(network).call(op)
        assert caught.value.wrote is (op is users.CREATE)
        assert len(wire.requests) == 1


class Clock:
    """A second passes whenever somebody looks."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(("op", "ids"), [(users.LIST, {}), (mail.RELEASE, RELEASE)])
def test_an_answer_that_drips_ends_within_the_limit(asked, monkeypatch, status, op, ids):
    monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setattr(module, "WHOLE_ANSWER", 10)
    body = Drip(iter([b" "] * 1000))
    with pytest.raises(TimedOut) as caught:
        asked.client(httpx.Response(status, stream=body)).call(op, ids=ids)
    assert caught.value.wrote is (op is mail.RELEASE)
    assert len(list(body.chunks)) > 900
    assert body.closed
    assert len(asked) == 1


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (OK + b"X-Name: ", b"x"),
        (OK + b"Content-Length: 100000\r\n\r\n", b" "),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1", b";"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nX-Name: ", b"x"),
    ],
)
def test_whatever_of_an_answer_drips_nobody_is_held_by_it(network, monkeypatch, start, piece, whole):
    monkeypatch.setattr(module, "TIMEOUT", httpx.Timeout(5, read=0.5))
    monkeypatch.setattr(module, "LONGEST_DOWNLOAD", 0.5)
    dripping = threading.Event()

    class Dripping(Wire):
        def _answer(self, connection: socket.socket) -> bool:
            connection.recv(65536)
            connection.sendall(start)
            for _ in range(200):  # twenty times as long
                if self.over.wait(0.05):
                    return False
                connection.sendall(piece)
            dripping.set()
            return False

    with Dripping() as wire:
        api = wire.client(network)
        read = (lambda: api.call(users.LIST)) if whole else lambda: list(api.stream(mail.PART, ids=PART).chunks)
        with pytest.raises((TimedOut, httpx.ReadTimeout)):
            read()
        assert not dripping.is_set()


# Secrets and people's addresses


def everything_that_goes_wrong(asked: Asked) -> list[tuple[Client, ApiError]]:
    found = []
    said = f"a library's own words, with {TOKEN} and {ADDRESS}"
    for answer in (
        httpx.Response(500, json={"message": "no", "fields": {"a": "b"}}),
        httpx.Response(200, json={"email": [said]}),
        httpx.ReadTimeout(said),
        httpx.ReadError(said),
        httpx.ConnectError(said),
    ):
        api = asked.client(lambda request, answer=answer: answer)
        for call in (
            lambda api=api: api.call(users.READ, users.User, ids={"userId": ADDRESS}),
            lambda api=api: api.page(users.LIST, users.User, query={"email": ADDRESS}),
            lambda api=api: api.call(users.CREATE, users.User, json={"email": ADDRESS}),
        ):
            with pytest.raises(ApiError) as caught:
                call()
            found.append((api, caught.value))
    return found


def test_neither_client_nor_error_nor_traceback_tells_the_token_or_whom_it_was_about(asked):
    for api, error in everything_that_goes_wrong(asked):
        shown = [repr(api), str(api), repr(error), str(error), repr(vars(error)), *traceback.format_exception(error)]
        assert not [text for text in shown if TOKEN in text or ADDRESS in text or ADDRESS.replace("@", "%40") in text]


def test_the_log_names_operation_status_and_request_and_nobody(asked, caplog, network):
    caplog.set_level(logging.DEBUG)
    everything_that_goes_wrong(asked)
    with Wire(http(b"[]")) as wire:  # httpx and httpcore have logs of their own
        Client(network, wire.url, TOKEN, "the-request-id").page(users.LIST, users.User, query={"email": ADDRESS})
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("listUsers 200 ") and line.endswith(" the-request-id") for line in lines)
    assert any(line.startswith("getUser no answer ") for line in lines)
    kept = "\n".join([*lines, *(repr(vars(record)) for record in caplog.records)])
    assert TOKEN not in kept
    assert "keller" not in kept


def test_the_token_goes_to_the_gateway_and_nowhere_but_its_header(asked):
    asked.client(httpx.Response(200, content=b"[]")).page(users.LIST, users.User)
    (request,) = asked
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    rest = {name: value for name, value in request.headers.items() if name != "authorization"}
    assert TOKEN not in f"{request.url}{rest}{request.content!r}"


def test_without_a_token_no_header_is_sent(asked):
    asked.client(httpx.Response(200, content=b"[]"), token="").page(users.LIST, users.User)
    assert "Authorization" not in asked[0].headers


def test_a_cookie_that_the_gateway_gives_one_person_is_not_sent_for_another(network):
    with Wire(http(b"[]", "200 OK", "Set-Cookie: who=anna; Path=/"), http(b"[]"), http(b"[]"), keep=True) as wire:
        anna = wire.client(network)
        anna.page(users.LIST, users.User)
        Client(network, wire.url, "token-of-berta").page(users.LIST, users.User)
        assert wire.connections == 1, "both went over one connection"
        assert b"token-of-berta" in wire.requests[1]
        assert b"ookie" not in wire.requests[1]
        assert TOKEN.encode() not in wire.requests[1]


def test_a_cookie_that_the_gateway_gives_is_not_sent_back_by_the_same_client(asked):
    api = asked.client(lambda request: httpx.Response(200, content=b"[]", headers={"Set-Cookie": "who=anna; Path=/"}))
    api.page(users.LIST, users.User)
    api.page(users.LIST, users.User)
    api.stream(mail.PART, ids=PART)
    assert [request.headers.get("Cookie") for request in asked] == [None] * 3


def test_no_redirect_is_followed_not_even_to_the_same_address(network):
    away = http(b"", "307 Temporary Redirect", "Location: /users")
    with Wire(away, away, keep=True) as wire:
        for call in (lambda: wire.client(network).page(users.LIST, users.User), lambda: wire.client(network).call(users.CREATE)):
            with pytest.raises(UpstreamFailed):
                call()
        assert len(wire.requests) == 2


def test_the_request_id_is_sent_with_every_call_and_is_new_for_every_client(asked):
    one = asked.client(httpx.Response(200, content=b"[]"))
    one.page(users.LIST, users.User)
    one.page(users.LIST, users.User)
    other = asked.client(httpx.Response(200, content=b"[]"))
    other.page(users.LIST, users.User)
    asked.client(httpx.Response(200, content=b"[]"), request_id="given").page(users.LIST, users.User)
    assert [request.headers["X-Request-ID"] for request in asked] == [one.request_id, one.request_id, other.request_id, "given"]
    assert len({one.request_id, other.request_id}) == 2


# Ids


@pytest.mark.parametrize(
    "bad",
    ["", ".", "..", "x" * 10_240, "x" * 1001, "a\nb", "a\r\nX-Evil: 1", "a\x00", "a\x7f", "a\x85", "\ud800", "a\udfff"],
    ids=ascii,
)
def test_an_id_that_cannot_be_one_is_not_found_and_never_sent(asked, bad):
    api = asked.client(httpx.Response(200, content=b"{}"))
    for call in (
        lambda: api.call(users.READ, users.User, ids={"userId": bad}),
        lambda: api.page(users.LIST_OF_DOMAIN, users.User, ids={"domainId": bad}),
        lambda: api.call(mail.RELEASE, ids={**RELEASE, "fugluId": bad}),
        lambda: api.stream(mail.PART, ids={**PART, "partId": bad}),
    ):
        with pytest.raises(NotFound):
            call()
    assert asked == []


@pytest.mark.parametrize(
    "odd",
    [
        "..admin",
        "a/b",
        "%2e%2e",
        "a?b=c",
        "a#b",
        "INBOX/Sub",
        "<a/b@c>",
        "x" * 1000,
        "ä ß",
        "...",
        "{folderPath}",
        " ",
        "a;b",
        "\\",
    ],
)
def test_any_other_id_stays_one_segment(asked, odd):
    asked.client(httpx.Response(204)).call(mail.RELEASE, ids={**RELEASE, "userIdOrEmail": odd})
    (request,) = asked
    path = request.url.raw_path.decode().split("/")
    assert (path[:3], path[4:]) == (["", "api", "users"], ["emails", "Quarantine", "m1", "release"])
    assert httpx.URL(f"http://x/?a={path[3]}").params["a"] == odd


@pytest.mark.parametrize(
    "base", ["http://gateway.test", "http://gateway.test/", "https://gateway.test:8443/a/b%2Fc", "http://gateway.test/api/"]
)
def test_the_base_path_is_kept_and_an_encoded_slash_stays_one(asked, base):
    ids = {**RELEASE, "userIdOrEmail": "..x/ä%2F", "folderPath": "INBOX/Sub"}
    handle = httpx.MockTransport(lambda request: asked.append(request) or httpx.Response(204))
    Client(handle, base, TOKEN).call(mail.RELEASE, ids=ids, query={"a": "b/c&d"})
    Client(handle, base, TOKEN).call(mail.RELEASE, ids=ids)
    path = "/users/..x%2F%C3%A4%252F/emails/INBOX%2FSub/m1/release"
    assert [str(request.url) for request in asked] == [f"{base.rstrip('/')}{path}?a=b%2Fc%26d", f"{base.rstrip('/')}{path}"]


# Uploads


class Unread:
    """A file that only tells pieces when it is asked, and how many of them it has told."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.told = pieces, 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.told += 1
            yield piece


def parts(request: httpx.Request) -> list[Any]:
    """The parts of a form, as the standard library reads them."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    return list(message_from_bytes(head + request.read(), policy=HTTP).iter_parts())


@pytest.mark.parametrize("size", [None, 11])
@pytest.mark.parametrize("content", [BytesIO(b"one two\r\n--"), [b"one ", b"", b"two\r\n--"]], ids=["file", "pieces"])
def test_a_file_is_sent_as_a_form_of_known_size_or_in_chunks(asked, content, size):
    api = asked.client(httpx.Response(200, json={"uid": "u1"}))
    assert api.call(mail.UPLOAD, dict, file=File("a.pdf", "application/pdf", content, size)) == {"uid": "u1"}
    (request,) = asked
    (part,) = parts(request)
    assert (part.get_param("name", header="Content-Disposition"), part.get_filename()) == ("file", "a.pdf")
    assert (part.get_content_type(), part.get_payload(decode=True)) == ("application/pdf", b"one two\r\n--")
    length, chunked = (request.headers.get(name) for name in ("Content-Length", "Transfer-Encoding"))
    assert (length, chunked) == ((None, "chunked") if size is None else (str(len(request.content)), None))
    content.seek(0) if isinstance(content, BytesIO) else None


@pytest.mark.parametrize(
    "name", ['a"; filename="b.exe', "a\r\nContent-Type: text/html\r\n\r\n<script>", "Rechnung März.pdf", "a\ud800"]
)
@pytest.mark.parametrize("kind", ["text/html\r\nX-Evil: 1", "nonsense", ""])
def test_no_name_and_no_type_of_a_file_adds_anything_to_its_form(asked, name, kind):
    asked.client(httpx.Response(200, json={})).call(mail.UPLOAD, dict, file=File(name, kind, [b"x"]))
    head, _, rest = asked[0].read().partition(b"\r\n\r\n")
    assert len(head.split(b"\r\n")) == 3
    assert head.endswith(b"\r\nContent-Type: application/octet-stream")
    assert head.count(b'"') == 4
    assert rest.startswith(b"x\r\n--")


@pytest.mark.parametrize("answer", [None, http(b"{", length=100), http(b"<h1>Hello</h1>")])
def test_a_file_is_never_sent_twice_and_may_have_arrived(network, answer):
    file = Unread(b"x" * 1000)
    with Wire(answer) as wire:
        with pytest.raises((TimedOut, BadAnswer)) as caught:
            wire.client(network).call(mail.UPLOAD, dict, file=File("a", "", file, 1000))
        assert caught.value.wrote
        assert (len(wire.requests), file.told) == (1, 1)


def test_of_a_file_for_a_gateway_that_is_not_there_nothing_is_read(network):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    file = Unread(b"x")
    with pytest.raises(Unreachable):
        Client(network, url, TOKEN).call(mail.UPLOAD, dict, file=File("a", "", file))
    assert file.told == 0


def test_a_file_that_comes_slower_than_anybody_waits_is_given_up(asked, monkeypatch):
    monkeypatch.setattr(files, "time", Clock())
    monkeypatch.setattr(files, "LONGEST_UPLOAD", 10)
    file = Unread(*[b"x"] * 1000)
    with pytest.raises(TimedOut):
        asked.client(httpx.Response(200, json={})).call(mail.UPLOAD, dict, file=File("a", "", file))
    assert file.told < 20


def test_the_time_a_file_takes_is_not_taken_from_the_answer(asked, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(files, "time", clock)
    api = asked.client(lambda request: httpx.Response(200, stream=Drip(iter([b"{", b"}"]))))
    assert api.call(mail.UPLOAD, dict, file=File("a", "", Unread(*[b"x"] * 100))) == {}


# Downloads


def test_a_download_passes_through_in_chunks_as_they_come(asked):
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(3):
            taken.append(number)
            yield bytes([number]) * 64 * 1024

    body = Drip(chunks())
    headers = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="a.pdf"'}
    found = asked.client(httpx.Response(200, headers=headers, stream=body)).stream(mail.PART, ids=PART, query={"dl": "true"})
    assert (found.type, found.disposition) == ("application/pdf", 'attachment; filename="a.pdf"')
    assert asked[0].url.params["dl"] == "true"
    assert taken == [], "nothing is read before somebody wants it"
    assert next(found.chunks) == b"\0" * 64 * 1024
    assert taken == [0]
    assert [len(chunk) for chunk in found.chunks] == [64 * 1024] * 2
    assert body.closed


def test_a_download_that_nobody_finishes_is_closed(asked):
    body = Drip(iter([b"x" * 64 * 1024] * 5))
    found = asked.client(httpx.Response(200, stream=body)).stream(mail.PART, ids=PART)
    next(found.chunks)
    found.chunks.close()
    assert body.closed


def test_a_download_that_takes_too_long_does_not_look_as_if_it_were_whole(asked, monkeypatch):
    monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setattr(module, "LONGEST_DOWNLOAD", 10)
    body = Drip(iter([b"x" * 64 * 1024] * 100))
    found = asked.client(httpx.Response(200, stream=body)).stream(mail.PART, ids=PART)
    with pytest.raises(TimedOut):
        list(found.chunks)
    assert body.closed


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404), NotFound),
        (httpx.Response(401), SignedOut),
        (httpx.Response(204), UpstreamFailed),
        (httpx.ReadTimeout("slow"), TimedOut),
        (httpx.RemoteProtocolError("broken"), BadAnswer),
        (httpx.ConnectError("no way"), Unreachable),
    ],
)
def test_what_is_wrong_with_a_download_is_known_before_its_first_chunk(asked, answer, error):
    with pytest.raises(error):
        asked.client(answer).stream(mail.PART, ids=PART)


# The gateway's words


def because(asked: Asked, body: bytes, **headers: str) -> ApiError:
    with pytest.raises(Refused) as caught:
        asked.client(httpx.Response(400, content=body, headers=headers)).page(users.LIST, users.User)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'["message"]',
        b"null",
        b"12",
        b'"message"',
        b"<h1>Bad Request</h1>",
        b"\xff\xfe\x00",
        b'{"message": "\xff"}',
        b'{"message": "\\udfff"}',
        b'{"message": null, "fields": null}',
        b'{"fields": ["email"]}',
        b'{"message": "' + b"x" * 1_000_000 + b'"}',
        b"[" * 60_000,
        b'{"message": ' + b"[" * 60_000,
        b'{"fields": ' * 5_000,
    ],
    ids=lambda body: body[:30],
)
def test_an_error_body_that_says_nothing_readable_says_nothing(asked, body):
    error = because(asked, body)
    assert (error.message, error.fields) == ("", {})


def test_the_gateways_words_are_kept_short_and_are_always_text(asked):
    error = because(asked, msgspec.json.encode({"message": "m" * 60_000}))
    assert error.message == "m" * 500
    fields = {f"{number:03}" + "n" * 100: "w" * 400 for number in range(100)}
    error = because(asked, msgspec.json.encode({"message": 5, "fields": fields}))
    assert error.message == "5"
    assert len(error.fields) == 50
    assert {(len(name), len(why)) for name, why in error.fields.items()} == {(80, 300)}
    error = because(asked, b'{"message": {"a": 1}, "fields": {"email": ["taken", 1], "x": null, "<b>": true}}')
    assert all(isinstance(text, str) for text in (error.message, *error.fields, *error.fields.values()))


def test_words_nested_just_deep_enough_to_be_read_are_no_trap(asked):
    for depth in range(100, 1200, 25):
        error = because(asked, b'{"message": ' + b"[" * depth + b"]" * depth + b"}")
        assert len(error.message) <= 500
