"""The floor: the same cells by hand, with httpx, json and Jinja2, behind the middlewares that such a page needs anyway.

Nothing of what makes the portal a product is here: no sorting, no words in other languages, no errors, no types.
"""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

SETTINGS = {
    "SECRET_KEY": "a key of the benchmark, and only of the benchmark",
    "ALLOWED_HOSTS": ["localhost"],
    "DEBUG_PROPAGATE_EXCEPTIONS": True,
    "ROOT_URLCONF": "tests.bench.floor",
    "INSTALLED_APPS": ["django.contrib.sessions"],
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    "TEMPLATES": [{"BACKEND": "django.template.backends.jinja2.Jinja2", "DIRS": [Path(__file__).parent / "floor"]}],
    "DATABASES": {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(os.environ.get("DATA_DIR", ""), "floor.sqlite3"),
            "CONN_MAX_AGE": 600,
        }
    },
    "USE_TZ": True,
}
SIZE, NAMES = 40, {"ENABLED": "Enabled", "DISABLED": "Disabled", "PENDING": "Pending"}
CHIPS = {"ENABLED": "ok", "DISABLED": "bad"}
SERVICES = (("incoming", "Filter"), ("quarantine", "Quarantine"), ("retention", "Retention"), ("archive", "Archive"))
gateway: httpx.Client

gateway: Any = None  # the connection, made by the worker


def connect(transport: httpx.BaseTransport) -> httpx.Client:
    return httpx.Client(transport=transport, base_url="http://gateway", trust_env=False)


def sign_in() -> str:
    """A session as after signing in; its key."""
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session["token"], session["who"] = "an-opaque-token-of-the-benchmark", "somebody"
    session.save()
    return str(session.session_key)


def _page(request: HttpRequest, template: str, address: str, **context: Any) -> HttpResponse:
    if "token" not in request.session:
        return HttpResponseRedirect("/sign-in/")
    number = int(request.GET.get("page", 1))
    answer = gateway.get(
        address,
        params={"offset": (number - 1) * SIZE, "pageSize": SIZE},
        headers={"Authorization": f"Bearer {request.session['token']}"},
    )
    answer.raise_for_status()
    total = int(answer.headers["X-Total-Count"])
    context |= {"rows": answer.json(), "total": total, "number": number, "pages": -(-total // SIZE)}
    return render(request, template, {**context, "who": request.session["who"], "NAMES": NAMES, "CHIPS": CHIPS, "at": _moment})


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def users(request: HttpRequest) -> HttpResponse:
    return _page(request, "users.html", "/users")


def domains(request: HttpRequest) -> HttpResponse:
    return _page(request, "domains.html", "/domains", SERVICES=SERVICES)


def mails(request: HttpRequest, user_id: str, folder: str) -> HttpResponse:
    return _page(request, "mails.html", f"/users/{quote(user_id, '')}/emails/{quote(folder, '')}", **_of_mails(user_id, folder))


def hub(request: HttpRequest, user_id: str, folder: str) -> HttpResponse:
    user = gateway.get(f"/users/{quote(user_id, '')}", headers={"Authorization": f"Bearer {request.session['token']}"}).json()
    found = {"user": user, **_of_mails(user_id, folder)}
    return _page(request, "hub.html", f"/users/{quote(user_id, '')}/emails/{quote(folder, '')}", **found)


def _of_mails(user_id: str, folder: str) -> dict[str, Any]:
    return {"user_id": user_id, "folder": folder, "held": _held, "sender": _sender, "size": _size}


def _sender(text: str) -> str:
    """The name of a From header, its address where it has none."""
    name, _, address = text.rpartition("<")
    return name.strip().strip('"') or address.strip("<> ")


def _held(headers: dict[str, Any]) -> tuple[str, str]:
    """The chip of a held mail: its colour and its words."""
    reason = headers.get("X-Quarantine-Reason", "")
    score = re.search(r"score=(\S+)", headers.get("X-Spam-Status", ""))
    return ("warn", f"Spam {score[1]}" if score else "Spam") if reason == "SPAM" else ("bad", reason.capitalize())


def _size(octets: int) -> str:
    return f"{octets / 1024:.1f} KB" if octets < 1_048_576 else f"{octets / 1_048_576:.1f} MB"


urlpatterns = [
    path("users/", users),
    path("domains/", domains),
    path("users/<user_id>/mail/<folder>/alone/", mails),
    path("users/<user_id>/mail/<folder>/", hub),
]
