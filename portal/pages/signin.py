"""Signing in with an access token or with the link of a mail, and out."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from portal import session
from portal.api.errors import ApiError, SignedOut, TooFast
from portal.owner import hand_over
from portal.ui.pages import public
from portal.ui.screens import explain, page_owner, safe_next


@public
@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, and the dialog in which a page asks when its session is over (decision 0025).

    A token that is wrong, used too often or unchecked gets one clear sentence.
    """
    template = "sign_in_again.html" if page_owner(request) else "sign_in.html"
    back = safe_next(request, request.POST.get("next") or request.GET.get("next") or "/")
    context = {"next": back, "ended": request.method == "GET" and request.GET.get("ended") == "1"}
    if request.method == "GET":
        person = session.person(request, polling=True) if page_owner(request) else None  # signed in by another tab?
        return _go_on(request, person.owner, back) if person else render(request, template, context)
    wrong = _("This token is not valid, or not any more. Copy it once more, or make a new one.")
    return _try(request, template, context, wrong, back)


@public
@sensitive_post_parameters("token")
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def sign_in_link(request: HttpRequest) -> HttpResponse:
    """Where the link in a mail leads (`?token=`): a page with a button. What only looks at links signs nobody in."""
    if request.method == "GET":
        token = request.GET.get("token", "")
        response = render(request, "sign_in_link.html", {"token": token}) if token else HttpResponseRedirect("/sign-in/")
    else:
        context = {"token": request.POST.get("token", "")}
        wrong = _("This link is not valid, or not any more. Ask for a new one.")
        response = _try(request, "sign_in_link.html", context, wrong, "/")
    # The address has the token in it: nobody learns more of it than the host. (With no-referrer a browser would not name the
    # origin of the form either, and the check for forged forms wants to know it.)
    response["Referrer-Policy"] = "strict-origin"
    return response


@sensitive_variables()
def _try(request: HttpRequest, template: str, context: dict[str, Any], wrong: str, back: str) -> HttpResponse:
    """Sign in with the token that was posted, and go on to `back`; else the page again, with what is the matter."""
    wait = 0
    try:
        owner, *before = session.sign_in(request, request.POST.get("token", ""))
    except SignedOut:
        problem, status = wrong, 403
        context.pop("token", None)  # no use in trying it again
    except TooFast as error:
        wait, status = error.retry_after, 429
        problem = _("Too many tries. Please wait %(seconds)s seconds.") % {"seconds": wait}
    except ApiError as error:
        status, title, text = explain(error)
        problem = f"{title}. {text}"
    else:
        hand_over(owner, before)
        return _go_on(request, owner, back)
    response = render(request, template, {**context, "problem": problem}, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


def _go_on(request: HttpRequest, owner: str, back: str) -> HttpResponse:
    """To `back`. A page that asked in place stays, if it is the same person's; nobody sees what somebody else left there."""
    if not page_owner(request):
        return HttpResponseRedirect(back)
    if page_owner(request) != owner:
        return HttpResponseClientRedirect(reverse("home"))
    return render(request, "signed_in_again.html")


@public  # whose session is over is out already
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; the token itself stays valid at the gateway."""
    session.sign_out(request)
    return HttpResponseRedirect("/sign-in/")


urlpatterns = [
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-in/link/", sign_in_link, name="sign-in-link"),
    path("sign-out/", sign_out, name="sign-out"),
]
