"""For whoever watches the process: can it work? Whether it is alive is answered before any page (portal/middleware.py)."""

import time
from threading import Lock

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from portal.api import domains
from portal.api.errors import ApiError, NotAllowed, SignedOut
from portal.session import anonymous_client
from portal.ui.pages import public

FRESH = 5.0  # seconds: whoever asks more often gets the same answer, and the gateway is not asked
_lock, _known = Lock(), {"at": -FRESH, "gateway": False}


@public
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database and the gateway answer. The gateway is asked without a token: its 401 is a sign of life."""
    state = {"database": True, "gateway": _gateway_answers()}
    try:
        connection.ensure_connection()
    except OperationalError:
        state["database"] = False
    return JsonResponse(state, status=200 if all(state.values()) else 503)


def _gateway_answers() -> bool:
    """Asked at most once every few seconds by each process, and by one thread at a time; the others get the last answer."""
    if time.monotonic() - _known["at"] >= FRESH and _lock.acquire(blocking=False):
        try:
            anonymous_client().page(domains.LIST, domains.Domain, size=1)
            _known["gateway"] = True
        except (SignedOut, NotAllowed):
            _known["gateway"] = True
        except ApiError:
            _known["gateway"] = False
        finally:
            _known["at"] = time.monotonic()
            _lock.release()
    return bool(_known["gateway"])


urlpatterns = [path("readyz", readyz)]
