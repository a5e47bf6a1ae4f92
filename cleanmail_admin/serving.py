"""How long others may hold a thread, and what gunicorn's own log leaves out.

gunicorn's threads wait without end for the rest of a head or a body, and for who does not read an answer. A proxy in front keeps
such callers away (README.md); this is for where none does. Why it is made like this: docs/decisions/0009.
"""

import errno
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from http.client import responses
from selectors import EVENT_READ
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.workers.gthread import TConn, ThreadWorker

from cleanmail_admin.logs import Lines, Routes, method, route

PATIENCE = 20.0  # seconds in which a request may be waited for, however many pieces it and its answer come in,
RATE = 16 * 1024  # and one more for so many bytes that went through
CROWDED = 1.0  # seconds, while somebody else waits for a thread
LINGER = 2.0  # seconds for who is still sending when the answer is there already
SAID = ("h", "l", "t", "s", "H", "b", "B", "T", "D", "M", "L", "p")  # in the access log; the others are what was asked


class Line(socket.socket):
    """A connection with patience. What a view takes for its work is no waiting, and costs none."""

    patience = PATIENCE
    crowded: Any = staticmethod(lambda: False)

    def recv(self, size: int, flags: int = 0) -> bytes:
        block: bytes = self._within(super().recv, size, flags)
        self.patience = min(PATIENCE, self.patience + len(block) / RATE)
        return block

    def sendall(self, data: Any, flags: int = 0) -> None:
        rest = memoryview(data)
        while rest:
            sent = self._within(super().send, rest, flags)
            self.patience = min(PATIENCE, self.patience + sent / RATE)
            rest = rest[sent:]

    def _within(self, call: Any, *args: Any) -> Any:
        """Waits in short pieces, so that patience ends soon where somebody else waits for this thread."""
        while self.patience > (PATIENCE - CROWDED if self.crowded() else 0):
            self.settimeout(min(self.patience, CROWDED))
            began = time.monotonic()
            try:
                return call(*args)
            except TimeoutError:
                pass
            finally:
                self.patience -= time.monotonic() - began
        raise ConnectionResetError(errno.ECONNRESET, "too slow")

    def setblocking(self, flag: bool) -> None:
        if self.fileno() >= 0:  # gunicorn asks for it even of what it has closed, and then counts that connection twice
            super().setblocking(flag)

    def hang_up(self) -> None:
        """Close in the way that lets an answer arrive although its request was not read to its end."""
        self.patience = LINGER
        with suppress(OSError):
            self.shutdown(socket.SHUT_WR)
            for _block in range(16):
                if not self.recv(4096):
                    break
        self.patience = 0.0


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's gthread. Before the first bytes of a connection no thread waits at all."""

    def enqueue_req(self, conn: TConn) -> None:
        if self.cfg.is_ssl:  # who serves TLS without a proxy has gunicorn as it is
            super().enqueue_req(conn)
            return
        if not isinstance(conn.sock, Line):
            conn.sock = Line(fileno=conn.sock.detach())
            conn.sock.crowded = self.crowded
        if not conn.initialized and not conn.data_ready:
            conn.sock.setblocking(False)
            conn.set_timeout()
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))
            return
        conn.sock.patience = PATIENCE
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        kept = super().handle(conn)
        if not kept and isinstance(
            conn.sock, Line
        ):  # here: gunicorn would do it in its one main loop, two seconds for each caller who does not hang up
            conn.sock.hang_up()
        return kept

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """As gunicorn does, but nothing of the request is repeated: not in the log, and not in an answer without our headers."""
        from portal.middleware import HEADERS

        status = 500
        if isinstance(exc, ParseException) and not isinstance(exc, InvalidResponseHeader | InvalidResponseHeaderName):
            status = {LimitRequestLine: 414, LimitRequestHeaders: 431}.get(type(exc), 400)
            self.log.warning("Not HTTP as it should be: %s", type(exc).__name__)
        else:
            self.log.error("Error handling a request", exc_info=exc)
        said = f"{status} {responses[status]}"
        headers = {"Connection": "close", "Content-Type": "text/plain", "Content-Length": len(said), **HEADERS}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with suppress(OSError):
            client.sendall(f"HTTP/1.1 {said}\r\n{head}\r\n{said}".encode())

    def handle_exit(self, sig: int, frame: Any) -> None:
        """The end of the process begins: a batch of its thread hands itself on, while requests come to their end."""
        if dispatch := sys.modules.get("portal.batches.dispatch"):  # not while the application is still being loaded
            dispatch.end()
        super().handle_exit(sig, frame)

    def crowded(self) -> bool:
        """More connections are at work than there are threads."""
        return bool(self.nr_conns - len(self.keepalived_conns) - len(self.pending_conns) > self.cfg.threads)


class Log(Logger):  # type: ignore[misc]
    """gunicorn's log: no address in it either, whatever is asked for on the command line."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.addFilter(Routes())
            handler.setFormatter(Lines(self.error_fmt, self.datefmt))

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        found = super().atoms(resp, req, environ, request_time)
        path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode(errors="replace")
        return {**{name: found[name] for name in SAID}, "m": method(found["m"]), "U": route(path)}
