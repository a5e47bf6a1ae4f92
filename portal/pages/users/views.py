"""Users: the list, and the hub of one user, from which held mail is found, read and let through."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_tables2 import Column

from portal import session
from portal.api import users
from portal.ui import mailbox
from portal.ui.pages import PortalRequest, together
from portal.ui.tables import RemoteTable, remote_table


class UserTable(RemoteTable):
    row_template, base = "users/_rows.html", "user-list"
    email = Column(_("Address"), orderable=True)
    name = Column(_("Name"))
    status = Column(_("Status"))
    policy = Column(_("Policy"))
    lastConnectionDate = Column(_("Last sign-in"))  # noqa: N815 (the API's name)


@require_safe
def user_list(request: PortalRequest) -> HttpResponse:
    """All users whose domains the person may see, filtered by a part of the address."""
    part = request.GET.get("email", "").replace("*", "").strip()[:200]
    query = {"email": f"*{part}*"} if part else {}
    table = remote_table(
        request,
        UserTable,
        lambda offset, size, sort: request.api.page(users.LIST, users.User, offset=offset, size=size, sort=sort, query=query),
        users.LIST.sort,
    )
    return render(request, "users/list.html", {"table": table, "part": part})


@require_safe
def user_hub(request: PortalRequest, user_id: str) -> HttpResponse:
    """One user. One call; the held mail and the folders come as panels of their own, and fail on their own."""
    (answer,) = together(lambda: request.api.call(users.READ, users.User, ids={"userId": user_id}))
    user = mailbox.owner(request, user_id, answer)
    return render(request, "users/hub.html", {"user": user, "user_id": user_id, "folder": session.held_folder(request)})
