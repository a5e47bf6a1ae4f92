"""The page that asks before something is done, and tells how it ended. One for all of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from portal.api.operation import Operation
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest
from portal.ui.save import one_click, told


@dataclass
class Question:
    """What is asked of a person.

    `target` names the object in the activity log and `url` is its page, to which "Cancel" leads. `lines` are sentences that say
    what the write means, `head` is what the page shows above them. `write` is what the call needs beside the ids. `done` tells
    that it is done, where that needs the object; a function is called only then.
    """

    target: str
    url: str
    title: str = ""
    lines: list[str] = field(default_factory=list)
    button: str = ""
    kind: str = "danger"
    head: dict[str, Any] = field(default_factory=dict)
    form: PortalForm | None = None
    write: dict[str, Any] = field(default_factory=dict)
    done: str | Callable[[], str] = ""
    template: str = "confirm.html"


def confirm(
    request: PortalRequest,
    op: Operation,
    ids: dict[str, Any],
    ask: Callable[[], Question | HttpResponse],
    *,
    done: str,
    back: str = "",
) -> HttpResponse:
    """GET asks, POST does it and leads to `back`, or to the object's page.

    `ask` reads the object and says what to ask; where there is nothing to ask it answers itself. Whether this form did it
    already is looked up before that: the object may be gone by the first of two clicks.
    """

    def answer() -> HttpResponse:
        question = ask()
        if isinstance(question, HttpResponse):
            return question
        form = question.form or PortalForm(request)
        call = {"target": question.target, "url": question.url, "ids": ids, **question.write}
        if request.method == "POST" and form.is_valid() and (written := form.submit(op, **call)):
            text = question.done if isinstance(question.done, str) else question.done()
            return told(request, written, text or done, back or question.url)
        context = {
            "title": question.title,
            "lines": question.lines,
            "button": question.button,
            "kind": question.kind,
            "back": question.url,
            "form": form,
            **question.head,
        }
        return render(request, question.template, context, status=form.status)

    return one_click(request, op, answer, lambda first: told(request, first, done, back or first.entry.url))
