"""The log of the pages: what happened and where, and nothing of whom."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.test import Client

import sandbox.wsgi  # noqa: F401 (it sets the log up anew when it is imported)
from tests.conftest import Gateway

MARKS = ("anna", "keller", "nordwind", "ey-a-token")
WHO = "anna.keller@nordwind.example"
PATHS = [
    f"/users/{WHO}/mail/",
    f"/users/{WHO}/mail/Quarantine/m1/release/",
    f"/users/{WHO}\\/mail/",
    f"/users/{WHO}/mail/Entwürfe/",
    f"/users/{WHO}é/",
    f"/users/{WHO}\n2026-01-01 ERROR forged/",
    f"/users/{WHO}\x00/",
    f"/users/{WHO}\udcff/",
    f"//{WHO}//",
    f"/nowhere/{WHO}\\é",
    f"/domains/{WHO}/edit",
    f"/sandbox/api/users/{WHO}\\é",
    f"/static/{WHO}é.css",
    f"/{'anna' * 2000}",
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What our handler writes."""
    console = next(handler for handler in logging.getLogger().handlers if handler.get_name() == "console")
    before = console.setStream(lines := io.StringIO())
    yield lines
    console.setStream(before)


def nothing_of_whom(log: io.StringIO) -> str:
    text = log.getvalue()
    assert text
    assert [mark for mark in MARKS if mark in text] == [], text
    return text


def requests(url: str) -> Iterator[dict[str, Any]]:
    """Ways to ask for a path that fail."""
    meta = {"PATH_INFO": url.encode("utf-8", "surrogateescape").decode("latin-1"), "QUERY_STRING": f"token=ey-a-token&next={WHO}"}
    for more in (
        {}, {"REQUEST_METHOD": "POST"}, {"REQUEST_METHOD": "ANNA"}, {"HTTP_HOST": "keller.nordwind.example"}, {"HTTP_HOST": f"{WHO}:x"},
        {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://{WHO}"},
        {"REQUEST_METHOD": "POST", "HTTP_ORIGIN": f"http://{WHO}"},
        {"REQUEST_METHOD": "POST", "HTTP_REFERER": f"https://nordwind.example/?token=ey-a-token&{WHO}", "wsgi.url_scheme": "https"},
        {"REQUEST_METHOD": "POST", "CONTENT_TYPE": f"text/{WHO}", "CONTENT_LENGTH": "5"},
        {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": WHO},
    ):  # fmt: skip
        yield {**meta, **more}


@pytest.mark.parametrize("url", PATHS, ids=lambda url: ascii(url)[:50])
@pytest.mark.parametrize("somebody", [False, True], ids=["nobody", "somebody"])
@pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
def test_no_line_names_a_mailbox_an_id_a_query_or_a_token(gateway: Gateway, log: io.StringIO, url: str, somebody: bool):
    gateway.answer = lambda request: httpx.Response(500)
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    if somebody:
        page = Client()
        page.post("/sign-in/", {"token": "ey-a-token"})
        browser.cookies = page.cookies
    for one in requests(url):
        assert browser.request(**one).status_code < 600
    lines = nothing_of_whom(log).splitlines()
    assert all("forged" not in line for line in lines)
    assert "Traceback" not in log.getvalue()


def test_a_bug_is_told_by_where_it_is_and_not_by_what_it_says(
    gateway: Gateway, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    def broken(*args: Any, **kw: Any) -> Any:
        try:
            raise KeyError(WHO)
        except KeyError as problem:
            raise RuntimeError(f"{WHO} {MARKS}") from problem

    browser = Client(raise_request_exception=False)
    browser.post("/sign-in/", {"token": "ey-a-token"})
    monkeypatch.setattr("portal.api.client.uuid4", broken)
    assert browser.get(f"/users/{WHO}/").status_code == 500
    text = nothing_of_whom(log)
    assert "Internal Server Error: GET /users/<id:user_id>/" in text
    assert "tests/pages/test_log.py" in text
    assert text.rstrip().endswith("RuntimeError")
    assert "\nKeyError\nled to\n" in text


def test_an_exception_in_a_line_is_named_and_not_quoted(log: io.StringIO):
    logging.getLogger("portal").warning("It failed: %s", ValueError(WHO))
    assert nothing_of_whom(log).endswith("It failed: ValueError\n")


def test_a_wrong_host_is_told_in_one_line(log: io.StringIO):
    answer = Client(headers={"Host": "evil.example"}).get("/sign-in/")
    assert answer.status_code == 400
    assert "evil" not in log.getvalue()
    assert log.getvalue().rstrip().endswith("django.security.DisallowedHost Bad Request: GET /sign-in/")
    assert len(log.getvalue().splitlines()) == 1
