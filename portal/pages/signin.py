"""Signing in with an access token, and out."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from portal import session
from portal.api.errors import ApiError, SignedOut, TooFast
from portal.ui.pages import public
from portal.ui.screens import explain, safe_next


@public
@sensitive_post_parameters("token")
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. A token that is wrong, used too often or unchecked gets one clear sentence."""
    back = safe_next(request, request.POST.get("next") or request.GET.get("next") or "/")
    wait = 0
    context = {"next": back, "ended": request.GET.get("ended") == "1"}
    if request.method == "GET":
        return render(request, "sign_in.html", context)
    try:
        session.sign_in(request, request.POST.get("token", ""))
    except SignedOut:
        problem, status = _("This token is not valid, or not any more. Copy it once more, or make a new one."), 403
    except TooFast as error:
        wait, status = error.retry_after, 429
        problem = _("Too many tries. Please wait %(seconds)s seconds.") % {"seconds": wait}
    except ApiError as error:
        status, title, text = explain(error)
        problem = f"{title}. {text}"
    else:
        return HttpResponseRedirect(back)
    response = render(request, "sign_in.html", {**context, "ended": False, "problem": problem}, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


@public  # whose session is over is out already
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; the token itself stays valid at the gateway."""
    session.sign_out(request)
    return HttpResponseRedirect("/sign-in/")


urlpatterns = [path("sign-in/", sign_in, name="sign-in"), path("sign-out/", sign_out, name="sign-out")]
