"""The process behind a port: who is slow holds nobody up, and the log says nothing of what was asked."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from cleanmail_admin import serving
from cleanmail_admin.serving import PATIENCE, RATE, Line
from tests.browser.server import Server

THREADS = 32
MARK = "anna.keller"  # in everything that is sent below


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """gunicorn with one process, on a gateway that is not there."""
    folder = tmp_path_factory.mktemp("serving")
    with Server(
        folder, folder / "log", CLEANMAIL_API_URL="http://127.0.0.1:9", GUNICORN_CMD_ARGS="--access-logfile - --log-level debug"
    ).running() as it:
        yield it


@pytest.fixture
def lines() -> Iterator[tuple[Line, socket.socket]]:
    """Our end of a connection, and the other one."""
    ours, other = socket.socketpair()
    with Line(fileno=ours.detach()) as line, other:
        yield line, other


HALF = {
    "nothing": b"",
    "half a request line": b"GET /sign-",
    "half a head": b"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "half a body": b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\ntoken=",
    "half a chunk": b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nff\r\ntoken=",
    "no end": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "no reading": b"GET /static/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300,
}


@pytest.mark.parametrize("sent", HALF.values(), ids=HALF.keys())
def test_more_slow_callers_than_threads_keep_nobody_else_out(server: Server, sent: bytes):
    with ExitStack() as held:
        for _caller in range(2 * THREADS):
            caller = held.enter_context(socket.socket())
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            caller.connect(("127.0.0.1", server.port))
            caller.sendall(sent)
        assert httpx.get(f"{server.url}/healthz", trust_env=False, timeout=60).text == "ok\n"


def test_a_wait_ends_when_patience_does(lines: tuple[Line, socket.socket]):
    line, _other = lines
    line.patience = 0.01
    with pytest.raises(ConnectionResetError) as caught:
        line.recv(1)
    assert caught.value.errno == errno.ECONNRESET, "what gunicorn ends a connection for without a word"
    line.patience = 0.01
    with pytest.raises(ConnectionResetError):
        line.sendall(b"x" * 10_000_000)


def test_who_sends_drop_by_drop_is_not_waited_for_longer(lines: tuple[Line, socket.socket], monkeypatch: pytest.MonkeyPatch):
    line, other = lines
    clock = iter(range(1000))  # every look at it is a second later than the one before
    monkeypatch.setattr(serving.time, "monotonic", lambda: next(clock))
    drops = 0
    with suppress(ConnectionResetError):
        while drops < 100:
            other.sendall(b"x")
            drops += len(line.recv(1))
    assert drops == PATIENCE + 1


def test_who_sends_and_reads_in_earnest_is_waited_for(lines: tuple[Line, socket.socket], monkeypatch: pytest.MonkeyPatch):
    line, other = lines
    clock = iter(range(1000))
    monkeypatch.setattr(serving.time, "monotonic", lambda: next(clock))
    for _block in range(100):
        other.sendall(b"x" * 2 * RATE)
        assert len(line.recv(2 * RATE)) == 2 * RATE
        line.sendall(b"y" * 2 * RATE)
        assert len(other.recv(2 * RATE, socket.MSG_WAITALL)) == 2 * RATE
    assert line.patience == PATIENCE, "and never longer"


def test_where_others_wait_for_a_thread_patience_is_short(lines: tuple[Line, socket.socket]):
    line, other = lines
    other.sendall(b"xx")
    line.crowded = lambda: True
    assert line.recv(1) == b"x"
    line.patience = PATIENCE - serving.CROWDED
    with pytest.raises(ConnectionResetError):
        line.recv(1)


# The log

ODD = [
    b"GET /users/anna.keller%40nordwind.example/mail/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /users/anna.keller@nordwind.example\\/\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /sign-in/link/?token=anna.keller HTTP/1.1\r\nHost: localhost\r\nReferer: http://anna.keller\r\nUser-Agent: anna.keller\r\n\r\n",
    b"GET /%00anna.keller%0a%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: anna.keller\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: anna.keller@localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: anna.keller\r\n  folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nanna.keller(: x\r\n\r\n",
    b"GET /anna.keller HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"anna.keller\r\n\r\n",
    b"anna.keller / HTTP/1.1\r\n\r\n",
    b"GET /anna.keller\r\n\r\n",
    b"GET /" + b"anna.keller" * 1000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"anna.keller" * 1000 + b"\r\n\r\n",
    b"GET http://anna.keller@[/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /sign-in/?anna.keller HTTP/1.1\r\nHost: localhost\r\nContent-Length: anna.keller\r\n\r\n",
    b"POST /sign-in/?anna.keller HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nanna.keller",
    b"POST /sign-in/?anna.keller HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nanna.keller",
    b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: anna.keller\r\n\r\n",
    b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nanna.keller\r\n",
    b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nOrigin: http://anna.keller\r\nContent-Length: 0\r\n\r\n",
    b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nExpect: anna.keller\r\nContent-Length: 5\r\n\r\n",
    b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain; charset*=anna.keller''x\r\nContent-Length: 0\r\n\r\n",
    b"GET /anna.keller HTTP/1.1\r\nHost: local",
]


def test_no_line_of_the_log_holds_anything_of_what_was_asked(server: Server):
    for request in ODD:
        with socket.create_connection(("127.0.0.1", server.port)) as caller:
            caller.sendall(request)
            caller.shutdown(socket.SHUT_WR)
            caller.settimeout(60)
            answer = b""
            try:
                while block := caller.recv(65536):
                    answer += block
            except ConnectionResetError:
                pass
        assert b" 500 " not in answer.partition(b"\r\n")[0], request
        assert not answer or b"\r\nContent-Security-Policy: default-src 'none'" in answer, "whoever answers"
        assert b"text/plain" not in answer or MARK.encode() not in answer
    log = server.log.read_text()
    assert '"GET /users/<id:user_id>/mail/ HTTP/1.1" 302' in log
    assert "Not HTTP as it should be: InvalidRequestLine" in log
    assert "Traceback" not in log
    assert MARK not in log
    assert "nordwind" not in log
