"""One box that finds users by a part of their address and domains by a part of their name."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from portal.api import domains, users
from portal.api.errors import ApiError
from portal.ui.pages import PortalRequest, region, together

SHOWN, FOUND = 6, 40


@require_safe
def search(request: PortalRequest) -> HttpResponse:
    """Suggestions for htmx, a page of results otherwise; the only user found is opened at once.

    Two calls side by side: the API takes one filter a request, and finds users by their address alone.
    """
    # An asterisk is the API's wildcard: what people type is searched for as it stands, anywhere in the text.
    part = request.GET.get("q", "").replace("*", "").strip()[:200]
    typing = region(request) == "suggestions"
    context: dict[str, Any] = {"q": request.GET.get("q", ""), "part": part}
    if part:
        size = SHOWN if typing else FOUND
        found_users, found_domains = together(
            lambda: request.api.page(users.LIST, users.User, size=size, query={"email": f"*{part}*"}),
            lambda: request.api.page(domains.LIST, domains.Domain, size=size, query={"name": f"*{part}*"}),
        )
        for name, found in (("users", found_users), ("domains", found_domains)):
            context[f"{name}_error" if isinstance(found, ApiError) else name] = found
        if not typing and not isinstance(found_users, ApiError) and not isinstance(found_domains, ApiError):
            exact = [u for u in found_users.rows if (u.email or "").lower() == part.lower()]
            only = exact or (found_users.rows if found_users.total == 1 and found_domains.total == 0 else [])
            if len(only) == 1 and only[0].id not in (None, ""):
                return HttpResponseRedirect(reverse("user-hub", args=(only[0].id,)))
    return render(request, "search/_suggestions.html" if typing else "search/results.html", context)


urlpatterns = [path("search/", search, name="search")]
