"""A list that is pasted into a box: read, checked value by value, and put in the place of the one that is there."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from portal.api.operation import Operation
from portal.ui.fields import LinesField
from portal.ui.forms import PortalForm
from portal.ui.pages import PortalRequest, said
from portal.ui.save import one_click, told

NAMED = 50  # problems that are told one by one


class PastedField(LinesField):
    """Values with anything between them that lists have; each stays as often as it was typed."""

    widget: Any = forms.Textarea(attrs={"rows": 8, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, list) else [part for part in re.split(r"[\s,;]+", str(value or "")) if part]


def checked(form: forms.Form, field: str, typed: Sequence[str], check: Callable[[str], str], most: int) -> list[str]:
    """The values as they are sent: `check` gives each, or says with a ValidationError what is wrong with it.

    The problems go on the field, each with the value that it is about; so do a value that is there twice, and more than `most`.
    """
    good: dict[str, None] = {}
    problems = []
    for text in typed:
        try:
            value = check(text)
            if value in good:
                raise forms.ValidationError(_("is in the list twice"))
            good[value] = None
        except forms.ValidationError as odd:
            problems.append(f"{text[:80]}: {odd.message}")
    if len(good) > most:
        problems.insert(0, _("These are %(count)s names. Enter at most %(most)s at once.") % {"count": len(good), "most": most})
    if len(problems) > NAMED:
        problems[NAMED:] = [_("And %(count)s more.") % {"count": len(problems) - NAMED}]
    for problem in problems:
        form.add_error(field, problem)
    return list(good)


@dataclass(frozen=True)
class Replacement:
    """What it does to a list to put `names` in its place. `against` stands for the list that this was compared with."""

    names: list[str]
    added: list[str]
    removed: list[str]
    same: int
    against: str


def replacement(names: Sequence[str], have: Sequence[str]) -> Replacement:
    added, removed = sorted(set(names) - set(have)), sorted(set(have) - set(names))
    return Replacement(list(names), added, removed, len(set(names) & set(have)), fingerprint(have))


def fingerprint(names: Sequence[str]) -> str:
    """The same for the same list, in whatever order."""
    return sha256("\0".join(sorted(names)).encode("utf-8", "replace")).hexdigest()


class ReplaceForm(PortalForm):
    """The whole list, in a field `names` of another form.

    `against` tells which list the person saw, so that nobody else's change is undone unseen.
    """

    against = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, request: PortalRequest, have: Sequence[str], **more: Any) -> None:
        self.have = list(have)
        super().__init__(request, initial={"names": self.have, "against": fingerprint(self.have)}, **more)
        self.fields["names"].required = False

    def replacement(self) -> Replacement:
        return replacement(self.cleaned_data.get("names") or (), self.have)


def replace(
    request: PortalRequest,
    form: ReplaceForm,
    op: Operation,
    ids: dict[str, Any],
    *,
    target: str,
    url: str,
    done: str,
    context: dict[str, Any],
    templates: tuple[str, str],
) -> HttpResponse:
    """The list in a box, then what replacing it adds and removes, then it is done. `templates` are those of box and preview."""
    box, preview = templates
    context = {**context, "form": form, "back": url}

    def answer() -> HttpResponse:
        if request.method != "POST" or not form.is_valid() or "edit" in request.POST:
            return render(request, box, context, status=200 if "edit" in request.POST else form.status)
        change = form.replacement()
        meanwhile = form.cleaned_data["against"] != change.against
        differs = bool(change.added or change.removed)
        if "confirmed" not in request.POST or (meanwhile and differs):
            return render(request, preview, {**context, "change": change, "meanwhile": meanwhile})
        if not differs:
            return said(request, _("Nothing was changed."), url)
        if written := form.submit(op, target=target, url=url, json=change.names, ids=ids):
            return told(request, written, done, url)
        return render(request, box, context, status=form.status)

    return one_click(request, op, answer, lambda first: told(request, first, done, url))
