"""One operation of the gateway's API, said once: everything else about it is looked up here."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from portal.api.errors import NotFound
from portal.api.rights import Needs

LONGEST_ID = 1000  # a Message-ID is one header line, 998 characters at most (RFC 5322, 2.1.1)
UNSENDABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Segments(str):
    """The last segments of an address that the gateway gave itself: sent as they are. `Client.segments` makes them."""


def is_dot(piece: str) -> bool:
    """A segment that clients and proxies resolve: `.` and `..`, with what may follow a semicolon."""
    return piece.partition(";")[0].strip() in (".", "..")


def is_id(text: str) -> bool:
    """Can this be an id?

    Not when it is empty, a dot segment (which clients and proxies resolve even when encoded), longer than any id, or with a
    control character or a lone surrogate (bytes that are no text).
    """
    if not text or len(text) > LONGEST_ID or UNSENDABLE.search(text):
        return False
    return not any(map(is_dot, re.split(r"[/\\]", text)))  # a proxy that decodes %2F would walk along these


@dataclass(frozen=True, slots=True)
class Operation:
    """`id`, `method` and `path` as in docs/upstream/openapi.yaml.

    `needs` is who may do it, as the contract states it. `sort` are the documented sort keys, `filters`
    the documented filters (a list takes one filter a request), `query` other parameters, `headers` special request headers.
    `secret` are the fields, of what is sent or answered and however deep, that hold a secret: nothing of them is ever quoted.
    `breaks` are statuses that mean a problem inside the gateway here, and elsewhere a refusal: nobody knows what happened.
    `workbook` marks a list that the gateway gives as a spreadsheet, too.
    `effects` marks a GET that acts like a write. `file` is the field of the form in which a file is sent, where one is.
    """

    id: str
    method: str
    path: str
    needs: Needs = Needs.UNSTATED
    sort: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    breaks: tuple[int, ...] = ()
    workbook: bool = False
    effects: bool = False
    file: str = ""

    @property
    def acts(self) -> bool:
        """It changes something: it is never repeated, and without a clear answer nobody knows whether it happened."""
        return self.effects or self.method != "GET"

    def url(self, **ids: str | int) -> str:
        """The path with every id percent-encoded as ONE segment.

        Raises NotFound for an id that cannot be one (`is_id`). Such an id is never sent.
        """
        path = self.path
        for name, value in ids.items():
            text, place = str(value), "{" + name + "}"
            if place not in path:
                raise KeyError(f"{self.id} has no {name} in its path")
            if isinstance(value, Segments):
                path = path.replace(place, value)
                continue
            if not is_id(text):
                raise NotFound(self.id)
            path = path.replace(place, quote(text, safe=""))
        if "{" in path:
            raise KeyError(f"{self.id} needs every id of {self.path}")
        return path
