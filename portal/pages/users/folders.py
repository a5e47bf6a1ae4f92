"""The folders of a mailbox, with their counts."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal import session
from portal.api import mail, users
from portal.ui import mailbox as boxes
from portal.ui.pages import PortalRequest, got, part_of, together
from portal.ui.screens import is_fragment


@require_safe
def mailbox(request: PortalRequest, user_id: str) -> HttpResponse:
    """`/users/<id>/mail/` leads to the held mail."""
    return HttpResponseRedirect(reverse("mail-list", args=(user_id, session.held_folder(request))))


@require_safe
def folders(request: PortalRequest, user_id: str) -> HttpResponse:
    """The folders with their counts as a page, for a browser without JavaScript."""
    listed, user = together(
        lambda: _folders(request, user_id), lambda: request.api.call(users.READ, users.User, ids={"userId": user_id})
    )
    return render(request, "users/folders.html", {**_folder_list(request, user_id, got(listed)), "user": user})


@require_safe
@part_of("folders")
def folders_panel(request: PortalRequest, user_id: str) -> HttpResponse:
    """The folders with their counts as a panel of the hub."""
    return render(request, "users/_folders.html", _folder_list(request, user_id, _folders(request, user_id)))


def _folders(request: PortalRequest, user_id: str) -> list[mail.Folder]:
    asked = {"fields": "STATS"}
    return request.api.call(mail.FOLDERS, list[mail.Folder], ids={"userIdOrEmail": user_id}, query=asked)


def _folder_list(request: PortalRequest, user_id: str, listed: list[mail.Folder]) -> dict[str, Any]:
    held, shown = session.held_folder(request), request.GET.get("shown", "")
    return {"folders": listed, "user_id": user_id, "shown": shown, "held": held}


@require_safe
def subfolders(request: PortalRequest, user_id: str) -> HttpResponse:
    """The folders inside one folder, asked for when a person opens it."""

    def inside(path: str) -> list[mail.Folder]:
        asked = {"fields": "STATS"}
        return request.api.call(mail.SUBFOLDERS, list[mail.Folder], ids={"userIdOrEmail": user_id, "path": path}, query=asked)

    found = boxes.in_folder(request.api, user_id, request.GET.get("path", ""), mail.SUBFOLDERS, inside)
    context = {"folders": found, "user_id": user_id, "shown": request.GET.get("shown", ""), "inner": True}
    return render(request, "users/_folders.html" if is_fragment(request) else "users/folders.html", context)
