"""What a WSGI server imports: `gunicorn cleanmail_admin.wsgi`."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cleanmail_admin.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402 (only now are there settings)

from portal.batches import dispatch  # noqa: E402

TAKEN = ("", "charset=utf-8")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django decodes even the query by a charset of the visitor's choice, before any middleware. UTF-8 is the only one here: of a
    Content-Type that says more, nothing is left, and so its body is refused."""
    _kind, *more = environ.get("CONTENT_TYPE", "").lower().split(";")
    if not all(one.strip().replace('"', "") in TAKEN or one.strip().startswith("boundary=") for one in more):
        environ["CONTENT_TYPE"] = ""
    answer: Iterable[bytes] = django(environ, start_response)
    return answer


if settings.BATCH_WORKER == "thread":
    dispatch.start()
