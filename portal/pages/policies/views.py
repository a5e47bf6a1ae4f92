"""Policies: the list of a domain's, one of them, a new one, two side by side, the default, the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import Column

from portal.api import domains, policies, users
from portal.api.errors import ApiError
from portal.api.policies import Policy
from portal.pages.policies.form import PolicyForm, copied, flat, groups, say, services
from portal.pages.policies.scale import NAMES, scale, values
from portal.ui import exports, lists
from portal.ui.confirm import Question, confirm
from portal.ui.lists import List
from portal.ui.pages import PortalRequest, got, one_time_key, part_of, read_domain, together
from portal.ui.save import save
from portal.ui.tables import RemoteTable

IN_PANEL, CHOICES, USERS = 5, 200, 200  # rows of one call: on the hub, to compare with, to look for who uses a policy


@dataclass(frozen=True)
class Row:
    """A policy in a list: is it the default, and the one-time key of the button that makes it so."""

    policy: Policy
    default: bool
    once: str

    def services(self) -> list[tuple[str, str, str]]:
        return services(self.policy)

    def figures(self) -> list[str]:
        record = flat(self.policy)
        return [say(name, record[name]) for name in ("spamScore", "relayProps.spamScoreLimit", "mailSizeLimit")]


class PolicyTable(RemoteTable):
    row_template, base = "policies/_rows.html", "domain-policies"
    name = Column(lazy("Policy"), orderable=True)
    services = Column(lazy("Services"))
    spamScore = Column(lazy("Spam threshold"))  # noqa: N815 (the API's names, here and below)
    spamScoreLimit = Column(lazy("Delivery limit"))  # noqa: N815
    mailSizeLimit = Column(lazy("Maximum message size"))  # noqa: N815
    id = Column(lazy("ID"))
    actions = Column(lazy("Actions"))
    sysadmin = False

    def body(self) -> dict[str, Any]:
        return {**super().body(), "sysadmin": self.sysadmin}


def _figure(name: str) -> Callable[[Policy], str]:
    return lambda policy: say(name, flat(policy)[name])


POLICIES = List(
    "policies",
    policies.LIST,
    Policy,
    PolicyTable,
    (
        exports.Column(lazy("Policy"), lambda row: row.name),
        exports.Column(lazy("ID"), lambda row: str(row.id or "")),
        exports.Column(lazy("Services"), lambda row: ", ".join(f"{word} {time}".strip() for _, word, time in services(row))),
        exports.Column(lazy("Spam threshold"), _figure("spamScore")),
        exports.Column(lazy("Delivery limit"), _figure("relayProps.spamScoreLimit")),
        exports.Column(lazy("Maximum message size"), _figure("mailSizeLimit")),
    ),
    further=("id",),
)


@require_safe
def policy_list(request: PortalRequest, domain_id: str) -> HttpResponseBase:
    """The policies of a domain."""
    ids = {"domainId": domain_id}
    if other := lists.elsewhere(request, POLICIES, ids):
        return other
    domain, found = together(lambda: read_domain(request, domain_id), lambda: lists.listed(request, POLICIES, ids))
    context: dict[str, Any] = {"domain": got(domain), "domain_id": domain_id}
    if isinstance(found, ApiError):
        return render(request, "policies/list.html", {**context, "error": found})
    found.table.ids, found.table.sysadmin = (domain_id,), request.person.may_sysadmin  # type: ignore[attr-defined]
    found.table.records = _rows(domain, found.rows)
    return render(request, "policies/list.html", {**context, "listed": found})


@require_safe
@part_of("domain-policies")
def policy_panel(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The first policies of a domain, for its hub."""
    domain, found = together(lambda: read_domain(request, domain_id), lambda: _policies(request, domain_id, 0, IN_PANEL))
    context = {"domain_id": domain_id, "rows": _rows(domain, got(found).rows), "total": found.total}
    return render(request, "policies/_panel.html", context)


@require_http_methods(["GET", "POST"])
def policy(request: PortalRequest, policy_id: str) -> HttpResponse:
    """One policy: to be changed by system administrators, to be read by others."""
    found = _read(request, policy_id)
    form = PolicyForm(request, flat(found))
    here = reverse("policy", args=(policy_id,))
    if request.method == "POST" and "show" not in request.POST and form.is_valid():
        call = {"target": form.cleaned_data["name"], "done": _("The policy was changed."), "back": here, "taken": "name"}
        if answer := save(request, form, policies.EDIT, {"policyId": policy_id}, **call):
            return answer
    context = {**_with_domain(request, found), "policy": found, "policy_id": policy_id}
    if request.method == "GET" and not request.person.may_sysadmin:
        shown = {name: value for name, value in flat(found).items() if name in NAMES and value not in (None, False)}
        query = urlencode({"typed": "1", **shown})
        context |= {"groups": groups(found), "scale": scale(request, flat(found)), "scale_query": query}
        return render(request, "policies/read.html", context)
    return _show(request, form, context)


@require_http_methods(["GET", "POST"])
def policy_new(request: PortalRequest, domain_id: str) -> HttpResponse:
    """A new policy of a domain; with `from`, it begins as a copy of that one."""
    source = request.GET.get("from", "")
    wanted = [source] if source and request.method == "GET" else []
    domain, *origins = together(lambda: read_domain(request, domain_id), *(lambda id=id: _read(request, id) for id in wanted))
    domain, origin = got(domain), got(origins[0]) if origins else None
    form = PolicyForm(request, initial=copied(origin) if origin else {})
    back = reverse("domain-policies", args=(domain_id,))
    if request.method == "POST" and "show" not in request.POST and form.is_valid():
        name = form.cleaned_data["name"]
        done = _("Policy “%(name)s” was created.") % {"name": name}
        call = {"target": f"{domain.name or domain_id}: {name}", "done": done, "back": back, "taken": "name"}
        if answer := save(request, form, policies.CREATE, {"domainId": domain_id}, **call):
            return answer
    return _show(request, form, {"domain": domain, "domain_id": domain_id, "origin": origin})


def _show(request: PortalRequest, form: PolicyForm, context: dict[str, Any]) -> HttpResponse:
    """The form of a policy, with what its scores mean; asked for by a button, that is no failure."""
    only_shown = "show" in request.POST
    names = ",".join((*NAMES, "score"))
    context |= {"form": form, "scale": scale(request, values(form)), "scale_names": names}
    return render(request, "policies/form.html", context, status=200 if only_shown else form.status)


@require_safe
def policy_scale(request: PortalRequest) -> HttpResponse:
    """What happens at each score, for the values in the address. Asks the gateway nothing."""
    form = PolicyForm(request, dict.fromkeys(NAMES))  # what the address does not say is not set
    return render(request, "policies/scale.html", {"scale": scale(request, values(form))})


@require_safe
def policy_compare(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Two policies side by side: `a` and `b`, or the first two of whatever was ticked; `only` what differs."""
    ticked = list(dict.fromkeys(filter(None, [*request.GET.getlist("a"), *request.GET.getlist("b")])))
    wanted = ticked[:2]
    domain, listed, *found = together(
        lambda: read_domain(request, domain_id),
        lambda: _policies(request, domain_id, 0, CHOICES),
        *(lambda id=id: _read(request, id) for id in wanted),  # type: ignore[misc]
    )
    there = [one for one in found if isinstance(one, Policy)]
    known = {} if isinstance(listed, ApiError) else {str(one.id): one.name for one in listed.rows if one.id is not None}
    context: dict[str, Any] = {
        "domain": got(domain),
        "domain_id": domain_id,
        "choices": {one: name or one for one, name in {**_names(wanted, found), **known}.items()},
        "wanted": [*wanted, "", ""][:2],
        "too_many": len(ticked) > 2,
        "error": next((one for one in [*found, listed] if isinstance(one, ApiError)), None),
    }
    if len(there) == 2:
        only = "only" in request.GET
        shown = [(title, [row for row in rows if row.differs or not only]) for title, _help, rows in groups(*there)]
        context |= {
            "pair": list(zip(wanted, there, strict=True)),
            "groups": [(title, rows) for title, rows in shown if rows],
            "only": only,
            "differences": sum(row.differs for _title, rows in shown for row in rows),
        }
    return render(request, "policies/compare.html", context)


@require_http_methods(["GET", "POST"])
def policy_default(request: PortalRequest, policy_id: str) -> HttpResponse:
    """Make it the default of its domain: all users for whom no other one is chosen get its services."""
    found = _read(request, policy_id)
    domain_id = str(found.domainId or "-")
    name = found.name or policy_id
    done = _("“%(name)s” is now the domain's default.") % {"name": name}

    def ask() -> Question:
        return Question(
            target=_("default policy: %(name)s") % {"name": name},
            url=reverse("domain-policies", args=(domain_id,)),
            title=_("Make “%(name)s” the default?") % {"name": name},
            lines=[_("All users of the domain without a policy of their own get the services of this policy.")],
            button=_("Make default"),
            head={**_with_domain(request, found), "tab": "policies"},
            write={"json": {"policyId": found.id or policy_id}},
        )

    return confirm(request, domains.EDIT, {"domainId": domain_id}, ask, done=done)


@require_http_methods(["GET", "POST"])
def policy_delete(request: PortalRequest, policy_id: str) -> HttpResponse:
    """Ask, with what uses the policy, and delete it. The gateway has the last word on whether it is in use."""

    def ask() -> Question:
        found = _read(request, policy_id)
        domain_id = str(found.domainId or "-")
        domain, listed = together(
            lambda: read_domain(request, domain_id),
            lambda: request.api.page(users.LIST_OF_DOMAIN, users.User, size=USERS, ids={"domainId": domain_id}),
        )
        default = _is_default(found, domain)
        # A user's policy is the one in force: while it is the domain's default, nobody can tell who has it by choice.
        having = [] if default or isinstance(listed, ApiError) else [one for one in listed.rows if _same_id(one.policy, found)]
        head = {
            **_head(domain, domain_id),
            "policy": found,
            "policy_id": policy_id,
            "default": default,
            "having": having,
            "more": not isinstance(listed, ApiError) and listed.total > USERS,
            "unknown": next((one for one in (domain, listed) if isinstance(one, ApiError)), None),
        }
        url = reverse("domain-policies", args=(domain_id,))
        return Question(found.name or policy_id, url, head=head, template="policies/delete.html")

    return confirm(request, policies.DELETE, {"policyId": policy_id}, ask, done=_("The policy was deleted."))


def _policies(request: PortalRequest, domain_id: str, offset: int, size: int) -> Any:
    return request.api.page(policies.LIST, Policy, offset=offset, size=size, ids={"domainId": domain_id})


def _read(request: PortalRequest, policy_id: str) -> Policy:
    return request.api.call(policies.READ, Policy, ids={"policyId": policy_id})


def _with_domain(request: PortalRequest, found: Policy) -> dict[str, Any]:
    """What the head of a page says about the policy's domain; the policy is shown without it where it cannot be read."""
    domain_id = str(found.domainId or "-")
    (domain,) = together(lambda: read_domain(request, domain_id))
    return {**_head(domain, domain_id), "default": _is_default(found, domain), "once": one_time_key()}


def _head(domain: domains.Domain | ApiError, domain_id: str) -> dict[str, Any]:
    failed = isinstance(domain, ApiError)
    return {"domain": None if failed else domain, "domain_error": domain if failed else None, "domain_id": domain_id}


def _rows(domain: domains.Domain | ApiError, found: list[Policy]) -> list[Row]:
    return [Row(one, _is_default(one, domain), one_time_key()) for one in found]


def _is_default(found: Policy, domain: domains.Domain | ApiError) -> bool:
    return isinstance(domain, domains.Domain) and _same_id(domain.policy, found)


def _same_id(one: Policy | None, other: Policy) -> bool:
    return one is not None and one.id is not None and str(one.id) == str(other.id)


def _names(wanted: list[str], found: list[Policy | ApiError]) -> dict[str, str | None]:
    return {one: policy.name if isinstance(policy, Policy) else None for one, policy in zip(wanted, found, strict=True)}
