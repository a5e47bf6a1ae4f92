"""All addresses of the portal. The sandbox is mounted beside it, for curl."""

from urllib.parse import quote

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from cleanmail_admin.upstream import answer_in_sandbox
from portal.ui.pages import public, takes

handler400 = "portal.pages.errors.bad_request"
handler404 = "portal.pages.errors.not_found"
handler500 = "portal.pages.errors.server_error"

pages = (
    "home", "signin", "search", "users.urls", "domains.urls", "policies.urls", "relays.urls", "aliases", "dkim.urls", "options",
    "access", "health", "batches", "activity", "account", "probes", "styleguide",
)  # fmt: skip
urlpatterns: list[URLPattern | URLResolver] = [path("", include(f"portal.pages.{page}")) for page in pages]


@public
@takes("", None)  # it has limits of its own
@csrf_exempt  # an API of its own, with bearer tokens and no cookies
def sandbox_api(request: WSGIRequest, rest: str) -> HttpResponseBase:
    """The sandbox over HTTP. The server's raw path tells an encoded slash from a real one, where it passes that on."""
    raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or quote(request.path)
    base = f"{request.scheme}://{request.get_host()}/sandbox/api"
    return answer_in_sandbox(request, raw.partition("?")[0].removeprefix("/sandbox/api"), base)


if settings.SANDBOX:
    urlpatterns.append(re_path(r"^sandbox/api(?P<rest>/.*)$", sandbox_api))
