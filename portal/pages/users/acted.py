"""A mail that a person acts on, read from the gateway, and the answer that tells how the action ended."""

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.api import mail, sender_rules, users
from portal.api.errors import ApiError, NotFound
from portal.meaning import senders, verdict
from portal.pages.users.mail import mail_rows, reading
from portal.ui import mailbox, screens
from portal.ui.pages import PortalRequest, got, one_time_key, together


@dataclass(frozen=True)
class Mail:
    """The mail that an action is about, with its user. `at` is None where the mail is not there any more."""

    user: users.User
    user_id: str
    folder: str
    mail_id: str
    at: mailbox.Found | None
    who: senders.Sender
    judged: verdict.Verdict
    held: bool
    delivers: bool

    @property
    def message(self) -> mail.MessageContent | None:
        return self.at.message if self.at else None

    @property
    def subject(self) -> str:
        return (self.message.subject if self.message else None) or _("(no subject)")

    @property
    def url(self) -> str:
        return reverse("mail-read", args=(self.user_id, self.folder, self.mail_id))

    @property
    def lock(self) -> tuple[str, ...]:
        """What stands for this mail however it was addressed: by either of its ids, by its user's id or address."""
        known = self.message.id if self.message and self.message.id else self.mail_id
        return mail.lock(self.user.id or self.user.email or self.user_id, self.folder, known)

    @property
    def target(self) -> str:
        """The mail in words, for the log."""
        return f"{self.user.email or self.user_id}: {self.subject}"[:300]

    def place(self) -> mailbox.Found:
        """Where it is; not found where it is gone."""
        if self.at is None:
            raise NotFound(mail.READ.id)
        return self.at

    def context(self) -> dict[str, Any]:
        return {
            "mail": self.message,
            "mailed": self,
            "who": self.who,
            "judged": self.judged,
            "user": self.user,
            "user_id": self.user_id,
            "folder": self.folder,
            "mail_id": self.mail_id,
        }


@dataclass
class Outcome:
    """What to tell: `level` is ok, warn or error; `state` is what the mail's row shows from now on ("" as before)."""

    text: str
    level: str = "ok"
    state: str = ""
    rule_url: str = ""
    rule: sender_rules.SenderRule | None = None
    form: forms.Form | None = None
    once: str = field(default_factory=one_time_key)


def read_mail(request: PortalRequest, user_id: str, folder: str, mail_id: str) -> Mail:
    """The mail and its user as the gateway has them now: nothing depends on what a browser claims about them."""
    answer, user = together(
        lambda: mailbox.find(request.api, user_id, folder, mail_id),
        lambda: request.api.call(users.READ, users.User, ids={"userId": user_id}),
    )
    at: mailbox.Found | None = None if isinstance(answer, NotFound) else got(answer)
    headers = at.message.headers if at else None
    held = mailbox.holds(request, folder)
    return Mail(
        user=mailbox.owner(request, user_id, user),
        user_id=user_id,
        folder=folder,
        mail_id=mail_id,
        at=at,
        who=verdict.author(at.message.sender, headers) if at else senders.sender(""),
        judged=verdict.verdict(headers),
        held=held,
        delivers=held or mailbox.delivers(folder),
    )


def answer(request: PortalRequest, mailed: Mail, outcome: Outcome) -> HttpResponse:
    """Tell how it ended: toast, row and reading pane for htmx; else back to the folder with a message."""
    folder = reverse("mail-list", args=(mailed.user_id, mailed.folder))
    if not screens.is_fragment(request):
        return tell(request, outcome, folder)
    context = {**mailed.context(), "outcome": outcome, "state": outcome.state}
    if not outcome.state and mailed.message:  # the mail is as before, but a button may have to go, and the form's key is used up
        context |= reading(request, mailed.message, mailed.user_id, mailed.folder, mailed.mail_id, mailed.user)
    elif mailed.message:
        context["row"] = mail_rows([mailed.message], folder, open_id=str(mailed.message.id), state=outcome.state)
    response = render(request, "users/_acted.html", context)
    response["HX-Push-Url"] = "false"
    return response


def tell(request: PortalRequest, outcome: Outcome, back: str) -> HttpResponse:
    """Tell how it ended where no mail is shown: a toast for htmx; else to the page at `back`, with a message."""
    if screens.is_fragment(request):
        return render(request, "_toast.html", {"outcome": outcome})
    level = {"ok": messages.SUCCESS, "warn": messages.WARNING, "error": messages.ERROR}[outcome.level]
    messages.add_message(request, level, outcome.text, extra_tags=outcome.rule_url)
    return HttpResponseRedirect(back)


def quoted(error: ApiError) -> str:
    """The gateway's own words."""
    return f"({error.message})" if error.message else ""
