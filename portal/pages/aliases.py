"""Aliases of a domain: other names under which it takes mail."""

from functools import partial
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy, ngettext
from django.views.decorators.http import require_http_methods
from django_tables2 import Column

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.api import domain_aliases, domains
from portal.api.errors import ApiError, Conflict, NotFound
from portal.meaning.names import domain_name
from portal.ui import exports, lists, screens
from portal.ui.confirm import Question, confirm
from portal.ui.forms import PortalForm
from portal.ui.known import taken_names
from portal.ui.lists import List
from portal.ui.pages import PortalRequest, got, read_domain, together
from portal.ui.pasted import PastedField, ReplaceForm, checked, replace
from portal.ui.save import one_click, told
from portal.ui.tables import RemoteTable

AT_ONCE = 1000  # names that are added in one go
MOST = 2000  # aliases whose whole list is shown in one box
ASKED_FOR = 20  # names that are looked up after a clash


class AliasTable(RemoteTable):
    row_template, base = "aliases/_rows.html", "domain-aliases"
    name = Column(lazy("Alias"), orderable=True)
    id = Column(lazy("ID"))
    delete = Column(lazy("Actions"))


ALIASES = List(
    "aliases",
    domain_aliases.LIST,
    domains.Alias,
    AliasTable,
    (
        exports.Column(lazy("Alias"), lambda row: row.name),
        exports.Column(lazy("ID"), lambda row: str(row.id or "")),
    ),
    further=("id",),
)


class NamesForm(PortalForm):
    """Names for a domain. Those in `keep` are right as they are, those in `taken` may not be in the list."""

    names = PastedField(label=lazy("Names"), max_length=300_000)
    most = AT_ONCE

    def __init__(self, request: PortalRequest, domain: domains.Domain, **more: Any) -> None:
        self.own = (domain.name or "").lower()
        self.taken = {(alias.name or "").lower() for alias in domain.domainAliases or ()}
        self.keep: set[str] = set()
        super().__init__(request, **more)

    def clean_names(self) -> list[str]:
        def check(typed: str) -> str:
            name = typed.lower() if typed.lower() in self.keep else domain_name(typed)
            if name == self.own:
                raise forms.ValidationError(_("is the domain itself"))
            if name in self.taken:
                raise forms.ValidationError(_("is already an alias of this domain"))
            return name

        return checked(self, "names", self.cleaned_data["names"], check, self.most)

    def new(self) -> list[str]:
        """The names that the gateway is asked to add."""
        return list(self.cleaned_data.get("names") or ())

    def refuse(self, error: ApiError, taken: str = "") -> None:
        """A clash is told with the names that clash: the gateway says it of the whole list, and may name one of them."""
        if not isinstance(error, Conflict):
            return super().refuse(error, taken)
        self.status, _title, text = screens.explain(error)
        new = [name for name in self.new() if name not in error.message][:ASKED_FOR]
        clashes = taken_names(self.request.api, new)  # looked for first: an error empties the cleaned field
        for problem in (error.message or text, *clashes):
            self.add_error("names", problem)
        self._show_again()


class WholeForm(ReplaceForm, NamesForm):
    """All names of a domain."""

    most = MOST

    def __init__(self, request: PortalRequest, domain: domains.Domain, have: list[str]) -> None:
        super().__init__(request, have, domain=domain)
        self.keep, self.taken = set(have), set()

    def new(self) -> list[str]:
        return self.replacement().added


@require_http_methods(["GET", "POST"])
def alias_list(request: PortalRequest, domain_id: str) -> HttpResponseBase:
    """The aliases, and a box to add several."""
    here = reverse("domain-aliases", args=(domain_id,))
    ids: dict[str, Any] = {"domainId": domain_id}
    if request.method == "GET" and (other := lists.elsewhere(request, ALIASES, ids)):
        return other

    def answer() -> HttpResponse:
        form = None
        if request.method == "POST":
            domain = read_domain(request, domain_id)
            form, target = NamesForm(request, domain), domain.name or domain_id
            if form.is_valid() and (added := form.submit(domain_aliases.ADD, target=target, url=here, json=form.new(), ids=ids)):
                count = len(form.new())
                text = ngettext("%(count)s alias was added.", "%(count)s aliases were added.", count) % {"count": count}
                return told(request, added, text, here)
        domain, found = together(lambda: read_domain(request, domain_id), lambda: _listed(request, ids))
        form = form or NamesForm(request, got(domain))
        context = {"domain": got(domain), "domain_id": domain_id, "form": form}
        context |= {"error": found} if isinstance(found, ApiError) else {"listed": found}
        return render(request, "aliases/list.html", context, status=form.status)

    tell = partial(told, request, done=_("The aliases were added."), url=here)
    return one_click(request, domain_aliases.ADD, answer, tell)


def _listed(request: PortalRequest, ids: dict[str, Any]) -> lists.Listed:
    found = lists.listed(request, ALIASES, ids)
    found.table.ids = (ids["domainId"],)
    return found


@require_http_methods(["GET", "POST"])
def alias_replace(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The whole list in a box; then what this adds and removes; then it is done."""
    domain, aliases = _asked(request, domain_id)
    url = reverse("domain-aliases", args=(domain_id,))
    context: dict[str, Any] = {"domain": domain, "domain_id": domain_id, "back": url, "most": MOST}
    if len(aliases) > MOST:
        return render(request, "aliases/replace.html", {**context, "too_many": True})
    return replace(
        request,
        WholeForm(request, domain, [alias.name.lower() for alias in aliases if alias.name]),
        domain_aliases.REPLACE,
        {"domainId": domain_id},
        target=domain.name or domain_id,
        url=url,
        done=_("The list of aliases was replaced."),
        context=context,
        templates=("aliases/replace.html", "aliases/preview.html"),
    )


@require_http_methods(["GET", "POST"])
def alias_delete(request: PortalRequest, domain_id: str, alias_id: str) -> HttpResponse:
    """Asks, then deletes one alias."""

    def ask() -> Question:
        domain, aliases = _asked(request, domain_id)
        alias = next((alias for alias in aliases if str(alias.id) == alias_id), None)
        if alias is None:
            raise NotFound(domain_aliases.DELETE.id)
        return Question(
            target=f"{domain.name or domain_id}: {alias.name or alias_id}",
            url=reverse("domain-aliases", args=(domain_id,)),
            title=_("Delete alias %(name)s?") % {"name": alias.name or alias_id},
            lines=[
                _("Mail to addresses at this name is no longer accepted: senders get it back."),
                _("Its DKIM record is no longer needed and can be removed from DNS."),
            ],
            button=_("Delete alias"),
            head={"domain": domain, "domain_id": domain_id, "tab": "aliases"},
        )

    ids = {"domainId": domain_id, "aliasId": alias_id}
    return confirm(request, domain_aliases.DELETE, ids, ask, done=_("The alias was deleted."))


def _asked(request: PortalRequest, domain_id: str) -> tuple[domains.Domain, list[domains.Alias]]:
    """The domain and all its aliases, or a few more than the most that fit into a box."""
    every = partial(request.api.every, domain_aliases.LIST, domains.Alias, most=MOST, ids={"domainId": domain_id})
    domain, aliases = together(lambda: read_domain(request, domain_id), every)
    return got(domain), got(aliases)


urlpatterns = [
    path("domains/<id:domain_id>/aliases/", alias_list, name="domain-aliases"),
    path("domains/<id:domain_id>/aliases/replace/", alias_replace, name="domain-aliases-replace"),
    path("domains/<id:domain_id>/aliases/<id:alias_id>/delete/", alias_delete, name="domain-alias-delete"),
]
