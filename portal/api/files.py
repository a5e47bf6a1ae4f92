"""Files on their way from the gateway and to it, in pieces and never held whole."""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO
from uuid import uuid4

import httpx

LONGEST_UPLOAD = 600.0  # seconds: each one holds a thread
CHUNK = 64 * 1024  # bytes of a file at once

MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


@dataclass(frozen=True)
class Download:
    """A file passing through: its media type, the name the gateway gave it, and its bytes in chunks."""

    type: str
    disposition: str
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class File:
    """A file to be sent: its name, its media type, and what is in it, never held whole. Without a `size` it goes in chunks."""

    name: str
    type: str
    content: IO[bytes] | Iterable[bytes]
    size: int | None = None


def form_with(file: File, field: str) -> tuple[Iterator[bytes], dict[str, str]]:
    """A form with one file (RFC 7578), piece by piece, and the headers that go with it."""
    boundary = uuid4().hex
    name = re.sub(r'[\x00-\x1f\x7f"]', lambda found: f"%{ord(found[0]):02X}", file.name)  # as browsers do it
    kind = file.type if MEDIA_TYPE.fullmatch(file.type) else "application/octet-stream"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    ).encode("utf-8", "replace")
    tail = f"\r\n--{boundary}--\r\n".encode()
    read = getattr(file.content, "read", None)

    def pieces() -> Iterator[bytes]:
        started = time.monotonic()
        yield head
        for piece in iter(partial(read, CHUNK), b"") if read else file.content:
            yield piece
            if time.monotonic() - started > LONGEST_UPLOAD:
                raise httpx.WriteTimeout("the file took too long")
        yield tail

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    if file.size is not None:
        headers["Content-Length"] = str(len(head) + file.size + len(tail))
    return pieces(), headers
