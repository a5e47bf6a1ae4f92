"""Users: the list, and the hub of one user, from which held mail is found, read and let through."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal import session
from portal.api import users
from portal.ui import lists, mailbox
from portal.ui.pages import PortalRequest, together
from portal.ui.people import USERS


@require_safe
def user_list(request: PortalRequest) -> HttpResponseBase:
    """All users whose domains the person may see, by one filter."""
    if other := lists.elsewhere(request, USERS):
        return other
    return render(request, "users/list.html", {"listed": lists.listed(request, USERS)})


@require_safe
def user_hub(request: PortalRequest, user_id: str) -> HttpResponse:
    """One user. One call; the held mail and the folders come as panels of their own, and fail on their own."""
    (answer,) = together(lambda: request.api.call(users.READ, users.User, ids={"userId": user_id}))
    user = mailbox.owner(request, user_id, answer)
    return render(request, "users/hub.html", {"user": user, "user_id": user_id, "folder": session.held_folder(request)})
