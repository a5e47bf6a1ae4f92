"""Aliases of a domain: other names under which it takes mail."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy, ngettext
from django.views.decorators.http import require_http_methods

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.api import domain_aliases, domains
from portal.api.errors import ApiError, Conflict, NotFound
from portal.audit.log import earlier
from portal.ui import screens
from portal.ui.forms import LinesField, PortalForm
from portal.ui.names import domain_name
from portal.ui.pages import PortalRequest, got, said, together
from portal.ui.tables import remote_page

AT_ONCE = 1000  # names that are added in one go
MOST = 2000  # aliases whose whole list is shown in one box
NAMED = 50  # problems that are told one by one
ASKED_FOR = 20  # names that are looked up after a clash


class NamesField(LinesField):
    """Names with anything between them that lists have; each stays as often as it was typed."""

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, list) else [name for name in re.split(r"[\s,;]+", str(value or "")) if name]


class NamesForm(PortalForm):
    """A list of names for a domain. `have` are its aliases now, `taken` those that may not be in the list."""

    names = NamesField(label=lazy("Names"), max_length=300_000, widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}))

    def __init__(self, request: PortalRequest, domain: domains.Domain, **kwargs: Any) -> None:
        self.domain = domain
        super().__init__(request, **kwargs)

    def checked(
        self, names: list[str], *, keep: Collection[str] = (), taken: Collection[str] = (), most: int = AT_ONCE
    ) -> list[str]:
        """The names as they are sent. Puts on the field what is wrong with which; what is in `keep` is right as it is."""
        own = (self.domain.name or "").lower()
        good: dict[str, None] = {}
        problems = []
        for typed in names:
            try:
                name = typed.lower() if typed.lower() in keep else domain_name(typed)
            except forms.ValidationError as odd:
                problems.append(f"{typed[:80]}: {odd.message}")
                continue
            if name == own:
                why = _("is the domain itself")
            elif name in taken:
                why = _("is an alias of this domain already")
            elif name in good:
                why = _("is in the list twice")
            else:
                good[name] = None
                continue
            problems.append(f"{typed[:80]}: {why}")
        if len(good) > most:
            problems.insert(0, _("These are %(count)s names. At most %(most)s go at once.") % {"count": len(good), "most": most})
        if len(problems) > NAMED:
            problems[NAMED:] = [_("And %(count)s more.") % {"count": len(problems) - NAMED}]
        for problem in problems:
            self.add_error("names", problem)
        return list(good)

    def refuse(self, error: ApiError, taken: str = "") -> None:
        """A clash is told with the names that clash: the gateway says it of the whole list, and may name one of them."""
        if not isinstance(error, Conflict):
            return super().refuse(error, taken)
        self.status, _title, text = screens.explain(error)
        for problem in (error.message or text, *self.clashes(error)):  # looked for first: an error empties the cleaned field
            self.add_error("names", problem)
        self._show_again()

    def clashes(self, error: ApiError) -> list[str]:
        """Which more of the first new names are taken, as far as this person may see: the gateway alone knows of all."""
        api = self.request.api
        new = [name for name in self.new() if name not in error.message][:ASKED_FOR]
        first, *answers = together(
            lambda: api.page(domains.LIST, domains.Domain, size=200),
            *[lambda name=name: api.page(domains.LIST, domains.Domain, size=1, query={"name": name}) for name in new],
        )
        named = {
            (alias.name or "").lower(): row.name
            for row in (() if isinstance(first, ApiError) else first.rows)
            for alias in row.domainAliases or ()
        }
        found = []
        for name, answer in zip(new, answers, strict=True):
            if not isinstance(answer, ApiError) and any((row.name or "").lower() == name for row in answer.rows):
                found.append(_("%(name)s: is a domain of its own") % {"name": name})
            elif name in named:
                found.append(_("%(name)s: is an alias of %(domain)s") % {"name": name, "domain": named[name] or "?"})
        return found

    def new(self) -> list[str]:
        """The names that the gateway was asked to add."""
        return list(self.cleaned_data.get("names") or ())


class AddForm(NamesForm):
    def clean_names(self) -> list[str]:
        have = {(alias.name or "").lower() for alias in self.domain.domainAliases or ()}
        return self.checked(self.cleaned_data["names"], taken=have)


class ReplaceForm(NamesForm):
    """The whole list. `against` tells which list the person saw, so that nobody else's change is undone unseen."""

    against = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, request: PortalRequest, domain: domains.Domain, have: list[str]) -> None:
        self.have = have
        super().__init__(request, domain, initial={"names": have, "against": fingerprint(have)})
        self.fields["names"].required = False
        self.fields["names"].help_text = _("An empty list deletes all aliases.")

    def clean_names(self) -> list[str]:
        return self.checked(self.cleaned_data["names"], keep=set(self.have), most=MOST)

    def new(self) -> list[str]:
        return self.change().added

    def change(self) -> "Change":
        wanted = list(self.cleaned_data.get("names") or ())
        return Change(
            wanted,
            sorted(set(wanted) - set(self.have)),
            sorted(set(self.have) - set(wanted)),
            len(set(self.have) & set(wanted)),
            fingerprint(self.have),
        )


@dataclass(frozen=True)
class Change:
    """What replacing a list does to it."""

    names: list[str]
    added: list[str]
    removed: list[str]
    same: int
    against: str


@require_http_methods(["GET", "POST"])
def alias_list(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The aliases, and a box to add several."""
    api, here = request.api, reverse("domain-aliases", args=(domain_id,))
    if request.method == "POST":
        domain = api.call(domains.READ, domains.Domain, domainId=domain_id)
        done = earlier(request.person, request.POST.get("once", ""), domain_aliases.ADD)  # a second click, whose names are there
        form = AddForm(request, domain)
        if done and done.result == "done":
            return said(request, _("The aliases are added."), here)
        if form.is_valid() and form.submit(
            domain_aliases.ADD,
            list[domains.Alias],
            target=domain.name or domain_id,
            url=here,
            json=form.cleaned_data["names"],
            domainId=domain_id,
        ):
            count = len(form.answer or form.cleaned_data["names"])
            text = ngettext("%(count)s alias is added.", "%(count)s aliases are added.", count) % {"count": count}
            return said(request, text, here)
    domain, page = together(
        lambda: api.call(domains.READ, domains.Domain, domainId=domain_id),
        lambda: remote_page(
            request,
            lambda offset, size, _sort: api.page(
                domain_aliases.LIST, domains.Alias, offset=offset, size=size, domainId=domain_id
            ),
        ),
    )
    if request.method != "POST":
        form = AddForm(request, got(domain))
    failed = page if isinstance(page, ApiError) else None
    context = {"domain": got(domain), "domain_id": domain_id, "form": form, "page": page, "failed": failed}
    return render(request, "aliases/list.html", context, status=form.status)


@require_http_methods(["GET", "POST"])
def alias_replace(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The whole list in a box; then what this adds and removes; then it is done."""
    back = reverse("domain-aliases", args=(domain_id,))
    domain, aliases = _asked(request, domain_id)
    context: dict[str, Any] = {"domain": domain, "domain_id": domain_id, "back": back, "most": MOST}
    if len(aliases) > MOST:
        return render(request, "aliases/replace.html", {**context, "too_many": True})
    form = ReplaceForm(request, domain, [alias.name.lower() for alias in aliases if alias.name])
    context["form"] = form
    if request.method != "POST" or not form.is_valid() or "edit" in request.POST:
        status = 200 if "edit" in request.POST else form.status
        return render(request, "aliases/replace.html", context, status=status)
    change = form.change()
    meanwhile = form.cleaned_data["against"] != change.against
    if "confirmed" in request.POST and not (meanwhile and (change.added or change.removed)):
        if not change.added and not change.removed:
            done = earlier(request.person, request.POST.get("once", ""), domain_aliases.REPLACE)
            return said(request, _("The list of aliases is replaced.") if done else _("Nothing was changed."), back)
        if form.submit(domain_aliases.REPLACE, target=domain.name or domain_id, url=back, json=change.names, domainId=domain_id):
            return said(request, _("The list of aliases is replaced."), back)
        return render(request, "aliases/replace.html", context, status=form.status)
    return render(request, "aliases/preview.html", {**context, "change": change, "meanwhile": meanwhile})


@require_http_methods(["GET", "POST"])
def alias_delete(request: PortalRequest, domain_id: str, alias_id: str) -> HttpResponse:
    """Asks, then deletes one alias."""
    back = reverse("domain-aliases", args=(domain_id,))
    domain, aliases = _asked(request, domain_id)
    alias = next((alias for alias in aliases if str(alias.id) == alias_id), None)
    form = PortalForm(request)
    done = _("The alias is deleted.")
    if alias is None:
        if earlier(request.person, request.POST.get("once", ""), domain_aliases.DELETE):  # a second click
            return said(request, done, back)
        raise NotFound(domain_aliases.DELETE.id)
    if request.method == "POST" and form.is_valid():
        target = f"{domain.name or domain_id}: {alias.name or alias_id}"
        if form.submit(domain_aliases.DELETE, target=target, url=back, domainId=domain_id, aliasId=alias_id):
            return said(request, done, back)
    context = {
        "domain": domain,
        "domain_id": domain_id,
        "form": form,
        "back": back,
        "title": _("Delete the alias %(name)s?") % {"name": alias.name or alias_id},
        "lines": [
            _("The gateway takes no more mail for addresses at this name: senders get it back."),
            _("Its DKIM record is of no use any more, and may be removed from DNS."),
        ],
        "button": _("Delete the alias"),
        "tab": "aliases",
    }
    return render(request, "confirm.html", context, status=form.status)


def fingerprint(names: list[str]) -> str:
    """The same for the same list, in whatever order."""
    return sha256("\0".join(sorted(names)).encode("utf-8", "replace")).hexdigest()


def _asked(request: PortalRequest, domain_id: str) -> tuple[domains.Domain, list[domains.Alias]]:
    """The domain and all its aliases, or a few more than the most that fit into a box."""
    domain, aliases = together(
        lambda: request.api.call(domains.READ, domains.Domain, domainId=domain_id),
        lambda: _all(request, domain_id),
    )
    return got(domain), got(aliases)


def _all(request: PortalRequest, domain_id: str) -> list[domains.Alias]:
    found: list[domains.Alias] = []
    while len(found) <= MOST:  # whatever size of a page the gateway is willing to give
        page = request.api.page(domain_aliases.LIST, domains.Alias, offset=len(found), size=1000, domainId=domain_id)
        found += page.rows
        if not page.rows or len(found) >= page.total:
            break
    return found


urlpatterns = [
    path("domains/<id:domain_id>/aliases/", alias_list, name="domain-aliases"),
    path("domains/<id:domain_id>/aliases/replace/", alias_replace, name="domain-aliases-replace"),
    path("domains/<id:domain_id>/aliases/<id:alias_id>/delete/", alias_delete, name="domain-alias-delete"),
]
