"""For whoever watches the process: is it alive, can it work."""

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from portal.api import domains
from portal.api.errors import ApiError, NotAllowed, SignedOut
from portal.session import anonymous_client
from portal.ui.pages import public


@public
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@public
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database and the gateway answer. The gateway is asked without a token: its 401 is a sign of life."""
    state = {"database": True, "gateway": True}
    try:
        connection.ensure_connection()
    except OperationalError:
        state["database"] = False
    try:
        anonymous_client().page(domains.LIST, domains.Domain, size=1)
    except (SignedOut, NotAllowed):
        pass
    except ApiError:
        state["gateway"] = False
    return JsonResponse(state, status=200 if all(state.values()) else 503)


urlpatterns = [path("healthz", healthz), path("readyz", readyz)]
