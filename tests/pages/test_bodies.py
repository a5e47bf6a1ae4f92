"""What may be sent, and what of it is ever read: nothing grows before somebody is signed in."""

from collections.abc import Iterator
from io import BytesIO
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as project
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cleanmail_admin.wsgi import application
from portal import middleware
from portal.ui.pages import FORM, public, takes
from tests.conftest import Gateway
from tests.pages.test_sign_in import ALL, CSP, address
from tests.shown import attribute, is_part, one, text

KIND, MOST = FORM
ENDLESS = 300_000_000
SAME_SITE = {"HTTP_COOKIE": f"{project.CSRF_COOKIE_NAME}={'a' * 32}", "HTTP_X_CSRFTOKEN": "a" * 32}


@pytest.fixture(autouse=True)
def connections_stay() -> Iterator[None]:
    """A server's request closes the database, and the test's own with it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class Counted:
    """A body that never ends, and how much of it was read."""

    readline = None

    def __init__(self) -> None:
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "read without a limit"
        self.read_bytes += size
        return b"a" * size


def send(url: str, body: Any, *, method: str = "POST", kind: str = KIND, **meta: Any) -> HttpResponse:
    """A request with exactly these headers, as a server hands it over. `body` is bytes, or something that is read."""
    source = BytesIO(body) if isinstance(body, bytes) else body
    if isinstance(body, bytes) and "CONTENT_LENGTH" not in meta and "HTTP_TRANSFER_ENCODING" not in meta:
        meta["CONTENT_LENGTH"] = str(len(body))
    about = {"REQUEST_METHOD": method, "PATH_INFO": url, "CONTENT_TYPE": kind, "wsgi.input": source, **SAME_SITE, **meta}
    environ = Client()._base_environ(**{name: value for name, value in about.items() if value is not None})
    answer = HttpResponse()

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        answer.status_code, answer.headers = int(status[:3]), ResponseHeaders(headers)

    answer.content = b"".join(application(environ, start))
    return answer


def told(answer: HttpResponse) -> str:
    return text(one(answer, "h1"))


# From the headers


@pytest.mark.parametrize("route", sorted(route for route in ALL if "sandbox" not in route))
def test_nowhere_is_a_large_upload_read_before_it_is_refused(gateway: Gateway, route: str):
    body = Counted()
    answer = send(address(route), body, kind=MULTIPART_CONTENT, CONTENT_LENGTH=str(ENDLESS))
    assert (answer.status_code, told(answer)) == (415, "Wrong format")
    answer = send(address(route), body, CONTENT_LENGTH=str(ENDLESS))
    assert (answer.status_code, told(answer)) == (413, "Too large")
    assert body.read_bytes == 0


@pytest.mark.parametrize("url", ["/nowhere/", "/static/app.css", "/sign-in", "//", "/users/%/"])
def test_an_address_that_does_not_exist_takes_no_more_than_another(gateway: Gateway, url: str):
    body = Counted()
    assert send(url, body, kind=MULTIPART_CONTENT, CONTENT_LENGTH=str(ENDLESS)).status_code == 415
    assert send(url, body, CONTENT_LENGTH=str(ENDLESS)).status_code == 413
    assert body.read_bytes == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "ANYTHING"])
def test_no_method_is_a_way_around_the_limits(gateway: Gateway, method: str):
    body = Counted()
    assert send("/sign-in/", body, method=method, kind="application/json", CONTENT_LENGTH=str(ENDLESS)).status_code == 415
    assert send("/sign-in/", body, method=method, CONTENT_LENGTH=str(ENDLESS)).status_code == 413
    assert body.read_bytes == 0


@pytest.mark.parametrize(
    "kind",
    [
        "", "text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=x", "multipart/mixed; boundary=x",
        "application/x-www-form-urlencodedx", "application/x-www-form-urlencoded, text/plain", "*/*", ";", "\x00", "gr\u00fcn",
        f"{KIND}; charset=utf-16", f"{KIND}; charset=iso-8859-1", f"{KIND}; charset=zlib", f"{KIND}; charset=idna",
        f"{KIND}; charset=\x00", f"{KIND}; charset*=utf-7''x", f"{KIND}; charset*=nope''x", f"{KIND}; a=b", f"{KIND}; charset=" + "x" * 5000,
    ],
    ids=lambda kind: ascii(kind[:60]),
)  # fmt: skip
def test_what_is_no_form_is_refused_whatever_it_says_it_is(gateway: Gateway, kind: str):
    answer = send("/sign-in/", b"token=x", kind=kind)
    assert answer.status_code == 415
    assert gateway.asked == []


@pytest.mark.parametrize("kind", [KIND, KIND.upper(), f"{KIND}; charset=utf-8", f'{KIND};charset="UTF-8"', f"{KIND};"])
def test_a_form_is_taken_however_its_type_is_written(gateway: Gateway, kind: str):
    assert send("/sign-in/", b"token=an-opaque-token", kind=kind).status_code == 302


@pytest.mark.parametrize("charset", ["zlib", "rot13", "idna", "utf-16", "unicode_escape", "undefined"])
def test_a_page_is_not_decoded_by_a_charset_of_the_visitors_choice(gateway: Gateway, charset: str):
    for url in ("/sign-in/", "/sandbox/api/nowhere"):
        answer = send(url, b"", method="GET", kind=f"{KIND}; charset={charset}", QUERY_STRING="next=/users/")
        assert answer.status_code == (200 if url == "/sign-in/" else 404)


@pytest.mark.parametrize("length", ["-1", "+5", "5, 5", "5,6", "0x5", "5.0", "1_0", " ", "abc", "\u00b2", "5;5", "--", "1e3"])
def test_a_length_that_is_none_is_a_bad_request(gateway: Gateway, length: str):
    body = Counted()
    for url in ("/sign-in/", "/sandbox/api/users"):
        assert send(url, body, CONTENT_LENGTH=length).status_code == 400
    assert body.read_bytes == 0


@pytest.mark.parametrize("length", ["9" * 19, "9" * 5000])
def test_a_length_of_many_digits_is_too_large(gateway: Gateway, length: str):
    assert send("/sign-in/", Counted(), CONTENT_LENGTH=length).status_code == 413


def test_a_compressed_form_is_none(gateway: Gateway):
    assert send("/sign-in/", b"token=x", HTTP_CONTENT_ENCODING="gzip").status_code == 415


def test_without_a_body_any_type_is_fine(gateway: Gateway):
    for length in (None, "", "0", "000"):
        assert send("/sign-in/", Counted(), method="GET", kind="application/json", CONTENT_LENGTH=length).status_code == 200


# While reading


def test_a_form_of_exactly_one_megabyte_is_read_and_one_byte_more_is_not(gateway: Gateway):
    form = b"token=" + b"a" * (MOST - 6)
    assert send("/sign-in/", form).status_code == 403, "too long for a token, but read"
    assert send("/sign-in/", form + b"a").status_code == 413


def test_a_form_without_a_length_is_read_up_to_the_limit_and_no_further(gateway: Gateway):
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    body = Counted()
    assert send("/sign-in/", body, **chunked).status_code == 413
    assert body.read_bytes <= MOST + 1
    answer = send("/sign-in/", BytesIO(b"token=an-opaque-token"), **chunked)
    assert answer.status_code == 302, "a short one is taken"


def test_chunks_that_the_server_does_not_undo_are_refused_unread(gateway: Gateway):
    body = Counted()
    assert send("/sign-in/", body, HTTP_TRANSFER_ENCODING="chunked").status_code == 411
    assert (
        send(
            "/sign-in/", body, HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="5", **{"wsgi.input_terminated": True}
        ).status_code
        == 400
    )
    assert body.read_bytes == 0


def test_half_a_form_is_not_acted_upon(gateway: Gateway):
    for cut in (b"", b"token=an-opaque-tok"):
        answer = send("/sign-in/", BytesIO(cut), CONTENT_LENGTH="21")
        assert (answer.status_code, told(answer)) == (400, "Bad request")
    assert gateway.asked == []


@pytest.mark.parametrize("problem", [OSError("gone"), TimeoutError("slow"), ValueError("no chunk size")])
def test_a_body_that_cannot_be_read_is_a_bad_request(gateway: Gateway, problem: Exception):
    class Broken:
        readline = None

        def read(self, size: int) -> bytes:
            raise problem

    assert send("/sign-in/", Broken(), CONTENT_LENGTH="5").status_code == 400
    assert send("/sign-in/", Broken(), HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}).status_code == 400


# How it is told


def test_a_refusal_is_a_page_of_this_site_in_the_readers_language_with_all_headers(gateway: Gateway):
    Client().get("/sign-in/", headers={"Accept-Language": "de"})
    answer = send("/sign-in/", Counted(), CONTENT_LENGTH=str(ENDLESS), HTTP_ACCEPT_LANGUAGE="en")
    assert attribute(answer, "html", "lang") == "en"
    assert "This page does not take that much at once. Nothing was done." in text(answer, None)
    assert (answer["Content-Security-Policy"], answer["X-Frame-Options"]) == (CSP, "DENY")
    assert (answer["X-Content-Type-Options"], answer["Referrer-Policy"]) == ("nosniff", "same-origin")


def test_htmx_gets_a_notice_and_not_a_page(gateway: Gateway):
    answer = send("/users/", Counted(), CONTENT_LENGTH=str(ENDLESS), HTTP_HX_REQUEST="true")
    assert (answer.status_code, answer["HX-Retarget"]) == (413, "#toasts")
    assert is_part(answer, None)


def test_too_many_fields_are_a_bad_request_with_a_page(gateway: Gateway):
    answer = send("/sign-in/", b"&".join(b"a=1" for _ in range(3000)))
    assert (answer.status_code, told(answer)) == (400, "Bad request")


# A view that takes files


@public
@takes("multipart/form-data", 2_000_000)
@csrf_exempt
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    (file,) = request.FILES.values()
    return HttpResponse(f"{file.size} {request.POST['name']}")


@pytest.fixture
def upload_url(settings: Any) -> str:
    """The address of a view that takes a file of up to 2 MB, beside those of this site."""
    from cleanmail_admin import urls

    more = ModuleType("urls_with_an_upload")
    more.__dict__.update({name: getattr(urls, name) for name in ("handler400", "handler404", "handler500")})
    more.urlpatterns = [path("upload/", upload), *urls.urlpatterns]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = more
    return "/upload/"


def parts(size: int) -> bytes:
    file = BytesIO(b"x" * size)
    file.name = "list.csv"
    return encode_multipart(BOUNDARY, {"name": "a list", "file": file})


def test_a_view_that_takes_a_file_names_its_limit_and_nothing_else_changes(gateway: Gateway, upload_url: str):
    answer = send(upload_url, parts(1_900_000), kind=MULTIPART_CONTENT)
    assert answer.content == b"1900000 a list"
    body = Counted()
    assert send(upload_url, body, kind=MULTIPART_CONTENT, CONTENT_LENGTH="2000001").status_code == 413
    assert send(upload_url, body, CONTENT_LENGTH="5").status_code == 415
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert send(upload_url, body, kind=MULTIPART_CONTENT, **chunked).status_code == 411, "a file says how long it is"
    assert send("/sign-in/", body, kind=MULTIPART_CONTENT, CONTENT_LENGTH="5").status_code == 415
    assert body.read_bytes == 0


def test_a_file_is_read_block_by_block(gateway: Gateway, upload_url: str):
    sizes = []

    class Watched(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            sizes.append(size)
            return super().read(size)

    body = parts(1_900_000)
    assert send(upload_url, Watched(body), kind=MULTIPART_CONTENT, CONTENT_LENGTH=str(len(body))).status_code == 200
    assert max(sizes) <= 2**16


def test_a_file_that_breaks_off_does_not_pass_for_a_whole_one():
    whole = middleware.Whole(BytesIO(b"x" * 100_000), 150_000)
    assert len(whole.read(2**16)) == 2**16
    with pytest.raises(OSError, match="broke off"):
        whole.read(2**16)
