"""What holds for every page: security headers, signed in by default, and the gateway's errors as screens."""

from collections.abc import Callable
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.debug import SafeExceptionReporterFilter

from portal import session
from portal.api.errors import ApiError, SignedOut
from portal.ui.screens import error_screen, session_over

Handler = Callable[[HttpRequest], HttpResponse]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-src 'self'; frame-ancestors 'none'"
)


def security_headers(get_response: Handler) -> Handler:
    """The strict policy on every answer; a view that serves a mail's body brings its own, stricter one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":  # before anything that could refuse it: a probe knows no host name of ours
            safe = request.method in ("GET", "HEAD")
            return HttpResponse("ok\n", content_type="text/plain") if safe else HttpResponseNotAllowed(["GET", "HEAD"])
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), interest-cohort=()")
        return response

    return middleware


@cache
def _zones() -> set[str]:
    return available_timezones()


class SignedIn:
    """Every page asks who is there, unless its view is marked with `public`. Pages of people are never stored anywhere."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = request.COOKIES.get("timezone", "")
        with timezone.override(ZoneInfo(zone) if zone in _zones() else None):
            response = self.get_response(request)
        if not request.path_info.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
            patch_vary_headers(response, ("HX-Request", "HX-Target", "Cookie"))
        return response

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if getattr(view, "public", False):
            request.person = None
            return None
        request.person = session.person(request, polling=getattr(view, "polls", False))
        if request.person is None:
            return session_over(request)
        try:
            request.api = session.client(request)
        except SignedOut:  # sealed with a key that is gone
            return session_over(request)
        return None


class ApiErrors:
    """An error of the gateway becomes the screen for it, in this one place."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        return error_screen(request, problem) if isinstance(problem, ApiError) else None


class NoVariables(SafeExceptionReporterFilter):
    """Error reports without any local variable, cookie or posted value: one of them could be a token or somebody's mail."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        return []

    def get_post_parameters(self, request: Any) -> dict[str, Any]:
        return {}

    def get_safe_cookies(self, request: Any) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: Any) -> dict[str, Any]:
        return {
            name: value
            for name, value in super().get_safe_request_meta(request).items()
            if name not in ("HTTP_COOKIE", "CSRF_COOKIE", "HTTP_AUTHORIZATION", "QUERY_STRING")
        }
