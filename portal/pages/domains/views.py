"""Domains: the list, the hub of one domain, and its users."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_tables2 import Column

from portal import preferences
from portal.api import domains, health
from portal.api.errors import ApiError
from portal.api.operation import LONGEST_ID
from portal.meaning.diagnosis import Failing, failing_entries
from portal.meaning.names import host_name
from portal.pages.domains.setup import relay_of
from portal.ui import exports, lists
from portal.ui.addresses import row_id
from portal.ui.known import known
from portal.ui.lists import Filter, List
from portal.ui.pages import PortalRequest, got, part_of, read_domain, together
from portal.ui.people import USERS_OF_DOMAIN
from portal.ui.tables import MOST_PER_PAGE, RemoteTable
from portal.ui.words import STATES, language_name, status_name

ROW = re.compile("[0-9a-f]{12}")
STATUSES = ("ENABLED", "PENDING", "DISABLED", "DELETED")


class DomainTable(RemoteTable):
    row_template, base = "domains/_rows.html", "domain-list"
    name = Column(_("Domain"), orderable=True)
    status = Column(_("Status"))
    customer = Column(_("Customer"))
    services = Column(_("Services"))
    activeUsersCount = Column(_("Users"))  # noqa: N815 (the API's name)
    policiesCount = Column(_("Policies"))  # noqa: N815 (the API's name)
    domainAliases = Column(_("Aliases"))  # noqa: N815 (the API's name)
    health = Column(_("Health"))
    externalId = Column(_("External ID"))  # noqa: N815 (the API's name)
    id = Column(_("ID"), orderable=True)


# The list as a file.
EXPORTED = (
    exports.Column(_("Domain"), lambda row: row.name),
    exports.Column(_("ID"), lambda row: str(row.id or "")),
    exports.Column(_("Status"), lambda row: status_name(row.status)),
    exports.Column(_("Description"), lambda row: row.description),
    exports.Column(_("Customer"), lambda row: row.customer and row.customer.name),
    exports.Column(_("Customer ID"), lambda row: row.customer and str(row.customer.id or "")),
    exports.Column(_("External ID"), lambda row: row.externalId),
    exports.Column(_("Incoming"), lambda row: row.incoming),
    exports.Column(_("Quarantine"), lambda row: row.quarantine),
    exports.Column(_("Retention"), lambda row: row.retention),
    exports.Column(_("Archive"), lambda row: row.archive),
    exports.Column(_("Active users"), lambda row: row.activeUsersCount),
    exports.Column(_("Policies"), lambda row: row.policiesCount),
    exports.Column(_("Default policy"), lambda row: row.policy and row.policy.name),
    exports.Column(_("Aliases"), lambda row: ", ".join(alias.name or "" for alias in row.domainAliases or ())),
    exports.Column(_("Relays"), lambda row: ", ".join(relay.name or "" for relay in row.platforms or ())),
    exports.Column(_("Created"), lambda row: exports.day(row.creationDate)),
    exports.Column(_("Deleted"), lambda row: exports.day(row.deletionDate)),
    exports.Column(_("Restorable until"), lambda row: exports.day(row.purgeDate)),
)


def _name_sent(part: str) -> str:
    """A part of a domain's name as the gateway has it: käserei is xn--…; as it was typed where that is no whole part of one."""
    try:
        return _part(part if part.isascii() else host_name(part))
    except ValidationError:
        return _part(part)


def _part(typed: str) -> str:
    """What is typed is a part of a name, unless it says itself what may stand for anything."""
    return typed if "*" in typed else f"*{typed}*"


def _customers(rows: Sequence[domains.Domain]) -> dict[str, str]:
    return {str(row.customer.id): row.customer.name or str(row.customer.id) for row in rows if row.customer and row.customer.id}


def _relays(rows: Sequence[domains.Domain]) -> dict[str, str]:
    return {str(relay.id): relay.name for row in rows for relay in row.platforms or () if relay.id and relay.name}


DOMAINS = List(
    "domains",
    domains.LIST,
    domains.Domain,
    DomainTable,
    EXPORTED,
    filters={
        "name": Filter(_("Name"), sends=_name_sent),
        "status": Filter(_("Status"), choices={status: _(STATES[status]) for status in STATUSES}),
        "customerId": Filter(_("Customer"), known=_customers, longest=LONGEST_ID),
        "externalId": Filter(_("External ID")),
        "platformName": Filter(_("Relay"), sends=_part),
        "platformId": Filter(_("Relay ID"), known=_relays, longest=LONGEST_ID),
    },
    further=("domainAliases", "externalId", "id"),
)


@require_safe
def domain_list(request: PortalRequest) -> HttpResponseBase:
    """The domains the person may see, by one filter; `?format=csv` or `xlsx` is all of them as a file."""
    if other := lists.elsewhere(request, DOMAINS):
        return other
    found = lists.listed(request, DOMAINS)
    context = {
        "listed": found,
        "marks": ",".join(row_id(row.id).removeprefix("row-") for row in found.rows if row.status != "DELETED"),
        "meant": _meant(request, found.value) if found.kind == "customerId" and not found.rows else {},
    }
    return render(request, "domains/list.html", context)


@require_safe
@part_of("domain-list")
def domain_counts(request: PortalRequest) -> HttpResponse:
    """The tabs with their numbers: five calls, after the list is there."""
    return render(request, "_filter_tabs.html", {"tabs": lists.counted(request, DOMAINS)})


def _meant(request: PortalRequest, typed: str) -> dict[str, str]:
    """The customers whose names hold what somebody typed in place of an id: address in the list -> name."""
    found = known(request.api).customers.items()
    return {"?" + urlencode({"customerId": id}): name for id, name in found if typed.casefold() in name.casefold()}


@dataclass(frozen=True)
class Mark:
    """The health of one row: its worst problem, and how many `more` there are; no word where none is known."""

    id: str
    level: str
    word: str
    more: int
    all: str


@require_safe
def domain_marks(request: PortalRequest) -> HttpResponse:
    """The health of the domains on a page of the list, from one call; `?rows=` are their marks, as in the list.

    They are short whatever the ids are, so that two hundred of them fit into an address.
    """
    asked = [f"row-{one}" for one in dict.fromkeys(request.GET.get("rows", "").split(",")) if ROW.fullmatch(one)][:MOST_PER_PAGE]
    (answer,) = together(lambda: request.api.call(health.ERRORS, list[health.DiagnosticEntry]))
    if isinstance(answer, ApiError):
        return render(request, "domains/marks.html", {"error": answer})
    failing = {row_id(one.id): one for one in failing_entries(answer) if one.type.upper() == "DOMAIN"}
    return render(
        request, "domains/marks.html", {"marks": [_mark(one, failing.get(one)) for one in asked], "total": len(failing)}
    )


def _mark(id: str, one: Failing | None) -> Mark:
    if one is None:
        return Mark(id, "ok", "", 0, "")
    words = [problem.word for problem in one.problems]
    return Mark(id, one.level, words[0], len(words) - 1, ", ".join(words))


@require_safe
def domain_hub(request: PortalRequest, domain_id: str) -> HttpResponse:
    """One domain: what it is, and panels that load by themselves."""
    domain = read_domain(request, domain_id)
    context = {
        "domain": domain,
        "domain_id": domain_id,
        "language": language_name(domain.defaultLanguage),
        "relay": relay_of(domain),
        "new": domain.status == "PENDING" or "new" in request.GET,
        "dismissed": preferences.dismissed(request.person.owner, "setup", domain_id),
    }
    return render(request, "domains/hub.html", context)


@require_safe
def domain_users(request: PortalRequest, domain_id: str) -> HttpResponseBase:
    """The users of a domain."""
    ids = {"domainId": domain_id}
    if other := lists.elsewhere(request, USERS_OF_DOMAIN, ids):
        return other
    domain, found = together(lambda: read_domain(request, domain_id), lambda: lists.listed(request, USERS_OF_DOMAIN, ids))
    context = {"domain": got(domain), "domain_id": domain_id, "listed": got(found)}
    return render(request, "domains/users.html", context)


@require_safe
@part_of("domain-users")
def domain_users_panel(request: PortalRequest, domain_id: str) -> HttpResponseBase:
    """The users of a domain, the part of their page that htmx renews."""
    ids = {"domainId": domain_id}
    if other := lists.elsewhere(request, USERS_OF_DOMAIN, ids):
        return other
    return render(request, "domains/_users.html", {"domain_id": domain_id, "listed": lists.listed(request, USERS_OF_DOMAIN, ids)})
