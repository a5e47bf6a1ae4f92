"""Ids in our own addresses: one percent-encoded segment each, whatever characters the gateway put into them."""

from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

from django.urls import register_converter

from portal.api.operation import is_id


class Segment:
    """An id as one segment, `<id:user_id>`.

    It is encoded twice: a WSGI server decodes the path once before Django sees it, and an id with a slash (a folder
    `INBOX/Sub`, a Message-ID) would fall apart. An id that can be none in the API either is a plain 404, and never sent.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        text = unquote(value)
        if not is_id(text):
            raise ValueError
        return text

    def to_url(self, value: str | int) -> str:
        return quote(str(value), safe="")


def below(base: str, id: str | int | None) -> str:
    """The address of one thing below `base`, as `reverse` would make it; a list has forty, and `reverse` is slow."""
    return f"{base}{quote(quote(str(id or '-'), safe=''))}/"


register_converter(Segment, "id")


def row_id(mail_id: Any) -> str:
    """The id of a mail's row in the page, made from the mail's id, which may hold any character."""
    return "row-" + sha256(str(mail_id).encode("utf-8", "replace")).hexdigest()[:12]
