"""One operation of the gateway's API, said once: everything else about it is looked up here."""

from dataclasses import dataclass
from urllib.parse import quote

from portal.api.errors import NotFound

LONGEST_ID = 1000  # a Message-ID is one header line, 998 characters at most (RFC 5322, 2.1.1)


@dataclass(frozen=True, slots=True)
class Operation:
    """`id`, `method` and `path` as in docs/upstream/openapi.yaml.

    `needs` is the permission the contract states, "" where it is silent. `sort` are the documented sort keys, `filters`
    the documented filters (a list takes one filter a request), `query` other parameters, `headers` special request headers.
    """

    id: str
    method: str
    path: str
    needs: str = ""
    sort: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    def url(self, **ids: str | int) -> str:
        """The path with every id percent-encoded as ONE segment.

        Raises NotFound for an id that cannot be one: empty, a dot segment (which clients and proxies resolve even when
        encoded), longer than any id, or with a control character. Such an id is never sent.
        """
        path = self.path
        for name, value in ids.items():
            text = str(value)
            if text in ("", ".", "..") or len(text) > LONGEST_ID or any(ord(c) < 32 or ord(c) == 127 for c in text):
                raise NotFound(self.id)
            path = path.replace("{" + name + "}", quote(text, safe=""))
        return path
