"""The page that asks before something is done, and tells how it ended. One for all of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from portal.api.operation import Operation
from portal.audit.log import repeated
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest
from portal.ui.save import told


@dataclass
class Question:
    """What is asked. `target` names the object in the activity log; `lines` are sentences that say what the write means.

    `done` says what happened, for a write whose words need the object; `write` is what `Client.call` gets beside the ids, and
    may need the valid form; `head` is what the page shows above the question (portal/ui/heads.py).
    """

    target: str
    back: str
    title: str = ""
    lines: list[str] = field(default_factory=list)
    button: str = ""
    kind: str = "danger"
    done: str | Callable[[], str] = ""
    form: PortalForm | None = None
    write: dict[str, Any] | Callable[[PortalForm], dict[str, Any]] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    template: str = "confirm.html"


def confirm(
    request: PortalRequest,
    op: Operation,
    ids: dict[str, Any],
    ask: Callable[[], Question | HttpResponse],
    *,
    done: str,
) -> HttpResponse:
    """GET asks, POST does it. `ask` reads the object and says what is asked, or answers where there is nothing to ask.

    Whether this very form did it already is looked up before that: the object may be gone by the first of two clicks.
    """
    if request.method == "POST" and (first := repeated(request.person, op, request.POST.get("once", ""))):
        return told(request, first, done, first.entry.url)
    question = ask()
    if isinstance(question, HttpResponse):
        return question
    form = question.form or PortalForm(request)
    if request.method == "POST" and form.is_valid():
        write = question.write(form) if callable(question.write) else question.write
        if form.submit(op, target=question.target, url=question.back, **ids, **write):
            text = question.done() if callable(question.done) else question.done
            return told(request, form.written, text or done, question.back)
    context = {
        "title": question.title,
        "lines": question.lines,
        "button": question.button,
        "kind": question.kind,
        "back": question.back,
        "form": form,
        **question.head,
    }
    return render(request, question.template, context, status=form.status)
