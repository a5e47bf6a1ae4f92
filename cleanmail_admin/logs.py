"""What our log leaves out: mail addresses, ids, queries, tokens. They are in every address that is asked for, in what Django and
gunicorn say about a request, and in the texts of exceptions; so of these only routes and the names of exceptions are written.
"""

import logging
import traceback
from http import HTTPMethod
from http.client import responses
from typing import Any

from django.http import HttpRequest


class Routes(logging.Filter):
    """Says of a request what can be said of it, in place of what Django says."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_text = None  # as another handler may have written it
        if isinstance(record.args, tuple):
            record.args = tuple(type(one).__name__ if isinstance(one, BaseException) else one for one in record.args)
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            status = getattr(record, "status_code", 500)
            what = responses.get(status, str(status))
            if record.name == "django.security.csrf" and isinstance(record.args, tuple):
                what += f" ({str(*record.args[:1]).partition(' - ')[0]})"  # what follows is the other site's address
            record.msg, record.args = f"{what}: {method(request.method)} {route(request.path_info)}", ()
            if status < 500:  # whoever asks for nonsense fills no log with tracebacks
                record.exc_info = None
                record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class Lines(logging.Formatter):
    """A traceback without the texts of its exceptions."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the standard library's name)
        lines, problem, seen = [], ei[1], set()
        while problem is not None and id(problem) not in seen:
            seen.add(id(problem))
            lines.append("".join([*traceback.format_tb(problem.__traceback__), type(problem).__qualname__]))
            problem = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
        return "\nled to\n".join(reversed(lines))


def route(path: str) -> str:
    """The pattern that an address has, without the ids in it."""
    from django.urls import Resolver404, resolve  # not while the settings are read

    if path == "/healthz":  # answered before any pattern
        return path
    try:
        return f"/{resolve(path).route}"
    except Resolver404:
        return "an unknown address"


def method(name: str | None) -> str:
    return name if name and name in HTTPMethod.__members__ else "?"
