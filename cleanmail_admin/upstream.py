"""The wiring: what the portal's calls go through, a network connection or the embedded sandbox.

The only module that knows both sides. The transport is shared by the whole process, since it is the connection pool;
it holds no token and no cookie.
"""

import time
from functools import cache
from io import BytesIO
from typing import Any

import httpcore
import httpx
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponseBase

from cleanmail_admin import capacity

BASE_URL = settings.CLEANMAIL_API_URL or "http://sandbox"
SILENCE = 15.0  # seconds for the next piece of an answer that may take longer in all


@cache
def transport() -> httpx.BaseTransport:
    """The process's way to the gateway."""
    return SandboxTransport() if settings.SANDBOX else network()


def network() -> httpx.HTTPTransport:
    """Over the network, with a connection for everybody who may call at once. Only to connect is tried twice."""
    most = capacity.CONNECTIONS
    found = httpx.HTTPTransport(retries=1, limits=httpx.Limits(max_connections=most, max_keepalive_connections=most))
    pool: Any = found._pool  # httpx has no setting for it
    pool._network_backend = Network(pool._network_backend)
    return found


class Network(httpcore.NetworkBackend):
    """The network, with connections that are `Bounded`."""

    def __init__(self, network: httpcore.NetworkBackend) -> None:
        self.network = network

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return Bounded(self.network.connect_tcp(*args, **kwargs))


class Bounded(httpcore.NetworkStream):
    """A connection on which the timeout for reading is that of a whole answer, counted from its request.

    Elsewhere it is that of a single piece: a gateway that drips its headers a byte a second would hold a thread for ever.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream, self.asked = stream, 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if timeout is not None:
            timeout = min(SILENCE, timeout - (time.monotonic() - self.asked))
            if timeout <= 0:
                raise httpcore.ReadTimeout("the answer took too long")
        return self.stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, timeout)
        self.asked = time.monotonic()

    def close(self) -> None:
        self.stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return Bounded(self.stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


class SandboxTransport(httpx.BaseTransport):
    """Calls the sandbox's views in this process: no socket, and none of the portal's middleware."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path, sent = request.url.raw_path.partition(b"?")[0], request.read()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": path.decode("ascii"),
            "QUERY_STRING": request.url.query.decode("ascii"),
            "SERVER_NAME": "sandbox",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(sent),
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        environ["CONTENT_LENGTH"] = str(len(sent)) if sent else ""  # also of what would go in chunks
        answer = answer_in_sandbox(WSGIRequest(environ), environ["PATH_INFO"])
        body = b"".join(answer)
        return httpx.Response(answer.status_code, headers=list(answer.items()), content=body)


def answer_in_sandbox(request: WSGIRequest, path: str, base: str = "") -> HttpResponseBase:
    """One answer of the sandbox. `path` is still percent-encoded: an encoded slash is part of a segment."""
    from sandbox.wsgi import answer

    return answer(request, path, base)


class SandboxRouter:
    """The sandbox's tables stay in its own database, and nothing else goes there."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "sandbox" if model._meta.app_label == "sandbox" else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (db == "sandbox") == (app_label == "sandbox")
