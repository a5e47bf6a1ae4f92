"""The setup checklist of a domain: what is done, and what to do next with the exact record to copy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_http_methods

from portal import preferences
from portal.api import access_controls, client, dkim, domains, health, users
from portal.api.errors import ApiError, NotFound
from portal.meaning.diagnosis import diagnosis
from portal.meaning.dkim import Record as Key, records
from portal.meaning.findings import OTHER, UNCHECKED, Finding, Record, finding
from portal.meaning.names import host_name
from portal.ui.checks import mail_servers
from portal.ui.pages import PortalRequest, got, region, together

DONE, TODO, UNKNOWN, YOURSELF = "done", "todo", "unknown", "yourself"


@dataclass(frozen=True)
class Step:
    """One item of the checklist: its state, what it means, what to copy, and where to go on.

    What is to be done `yourself` nobody checks, so that it is not counted. `records` are to be copied into DNS. `log` is what
    the gateway saw; `error` is why it was not asked.
    """

    key: str
    title: str
    state: str
    text: str
    url: str
    link: str
    records: Sequence[Record] = ()
    log: Sequence[str] = ()
    error: ApiError | None = None


@require_http_methods(["GET", "POST"])
def domain_setup(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The checklist: the panel for htmx, a page of its own otherwise. What cannot be asked costs its own item alone.

    Where all is done, the panel leaves the hub; POST takes it away from this person's for good.
    """
    if request.method == "POST":
        preferences.dismiss(request.person.owner, "setup", domain_id)
        return HttpResponseRedirect(reverse("domain-hub", args=(domain_id,)))
    api = request.api

    def domain_and_relay() -> tuple[domains.Domain, Any]:
        found = api.call(domains.READ, domains.Domain, ids={"domainId": domain_id})
        relay = relay_of(found)
        if relay is None or relay.id is None:
            return found, None
        relay_id = relay.id
        return found, together(lambda: api.call(health.READ_RELAY, health.EntityHealth, ids={"platformId": relay_id}))[0]

    first, diagnosed, keys, admins, people = together(
        domain_and_relay,
        lambda: api.call(health.READ_DOMAIN, health.EntityHealth, ids={"domainId": domain_id}),
        lambda: api.call(dkim.READ, dkim.Lines, ids={"domainId": domain_id}),
        lambda: api.page(domains.ADMINS, access_controls.Admin, size=1, ids={"domainId": domain_id}),
        lambda: api.page(users.LIST_OF_DOMAIN, users.User, size=1, ids={"domainId": domain_id}),
    )
    domain, connected = got(first)
    steps = [
        _mx(request, domain_id, domain, diagnosed),
        _dkim(domain_id, domain, diagnosed, keys, sysadmin=request.person.may_sysadmin),
        *_spf(domain_id, domain),
        _relay(domain_id, domain, connected),
        _admins(domain_id, admins),
        _users(domain_id, domain, people),
    ]
    states = [step.state for step in steps if step.state != YOURSELF]
    done, total = states.count(DONE), len(states)
    panel = region(request) == "domain-setup"
    context = {"domain": domain, "domain_id": domain_id, "steps": steps, "done": done, "total": total, "panel": panel}
    response = render(request, "domains/_setup.html" if panel else "domains/setup.html", {**context, "complete": done == total})
    if panel and done == total:
        response["HX-Reswap"] = "delete"
    return response


def relay_of(domain: domains.Domain) -> domains.Platform | None:
    """The relay that takes a domain's mail where a user names no other: the default one, else the first."""
    relays = domain.platforms or []
    return next((relay for relay in relays if relay.default), relays[0] if relays else None)


def _mx(request: PortalRequest, domain_id: str, domain: domains.Domain, diagnosed: health.EntityHealth | ApiError) -> Step:
    found = _finding(diagnosed, "MX", domain.name or domain_id)
    if found and found.kind and not found.records:  # as of a new domain, whose report does not say what has to be there
        found = _finding(diagnosed, "MX", domain.name or domain_id, hosts=mail_servers(request.api))
    step = Step("mx", _("MX records"), UNKNOWN, "", reverse("domain-health", args=(domain_id,)), _("Go to health"))
    if found is None:
        text = "" if isinstance(diagnosed, ApiError) else _("The health check did not test the MX records.")
        return replace(step, text=text, error=_error(diagnosed))
    return replace(step, **_told(found), records=found.records)


def _dkim(
    domain_id: str, domain: domains.Domain, diagnosed: health.EntityHealth | ApiError, lines: Any, *, sysadmin: bool
) -> Step:
    step = Step("dkim", _("DKIM signature"), UNKNOWN, "", reverse("domain-dkim", args=(domain_id,)), _("Go to DKIM"))
    keys = [] if isinstance(lines, NotFound) else None if isinstance(lines, ApiError) else records(lines)
    if keys == []:
        text = _("The domain has no keys, so its mail is sent unsigned.")
        text += " " + (_("Create them.") if sysadmin else _("A system administrator can create them."))
        return replace(step, state=TODO, text=text)
    found = _finding(diagnosed, "DKIM", domain.name or domain_id, keys=keys)
    if found:
        step = replace(step, **_told(found))
    elif not isinstance(diagnosed, ApiError):
        step = replace(step, text=_("The health check did not test DKIM."))
    if step.state == DONE:
        return step
    if keys and len(keys) > 1:
        more = len(keys) - 1
        told = ngettext("%(more)s more name also needs a record.", "%(more)s more names also need a record each.", more)
        step = replace(step, text=f"{step.text} {told % {'more': more}}".strip())
    return replace(step, records=_parts(keys[0]) if keys else (), error=_error(lines) or _error(diagnosed))


def _spf(domain_id: str, domain: domains.Domain) -> list[Step]:
    """A step where providers send for the domain. Neither the gateway nor this page asks DNS for the SPF record."""
    sending = [one for one in domain.outgoingProviders or () if one.spfProvider and one.active is not False]
    if not sending:
        return []
    terms, others = [], []
    for one in sending:
        said = str(one.spfProvider).strip()
        try:
            terms.append(f"include:{host_name(said.removeprefix('include:'))}")
        except ValidationError:  # never copied as a record: it is shown as what it is
            others.append(said)
    text = ngettext(
        "%(names)s sends for this domain, so its SPF record must allow it. This is not checked here.",
        "%(names)s send for this domain, so its SPF record must allow them. This is not checked here.",
        len(sending),
    ) % {"names": ", ".join(str(one.name or one.id or "?") for one in sending)}
    if others:
        text += " " + _("The gateway says about SPF: %(text)s") % {"text": ", ".join(others)}
    records = [Record(_("Add to the SPF record, before “all”"), " ".join(dict.fromkeys(terms)))] if terms else []
    url = reverse("domain-edit", args=(domain_id,))
    return [Step("spf", _("SPF record"), YOURSELF, text, url, _("Change domain"), records)]


def _relay(domain_id: str, domain: domains.Domain, connected: health.EntityHealth | ApiError | None) -> Step:
    title, url, link = _("Relay"), reverse("domain-relays", args=(domain_id,)), _("Go to relays")
    relay = relay_of(domain)
    if relay is None:
        return Step("relay", title, TODO, _("There is no relay, so the gateway has nowhere to deliver the mail."), url, link)
    where = {"relay": relay.name or relay.transportDest or relay.id or "?"}
    if isinstance(connected, ApiError):
        return Step("relay", title, UNKNOWN, "", url, link, error=connected)
    found = diagnosis(connected, about="PLATFORM")
    if found.works is None:
        return Step("relay", title, UNKNOWN, _("The relay has not been tested yet."), url, link)
    if found.works:  # also where the relay that stands in does not answer
        return Step("relay", title, DONE, _("Relay %(relay)s accepts mail.") % where, url, link)
    failed = [one for one in found.findings if one.kind]
    why = [f"{one.title}: {one.meaning}" for one in failed]
    text = " ".join([_("Relay %(relay)s does not accept mail.") % where, *why])
    return Step("relay", title, TODO, text, url, link, log=[line for one in failed for line in one.log])


def _admins(domain_id: str, admins: client.Page[access_controls.Admin] | ApiError) -> Step:
    title, url, link = _("First administrator"), reverse("domain-admins", args=(domain_id,)), _("Go to administrators")
    if isinstance(admins, ApiError):
        return Step("admins", title, UNKNOWN, "", url, link, error=admins)
    if not admins.total:
        text = _("Only its customer's administrators administer this domain.")
        return Step("admins", title, TODO, text, url, link)
    text = ngettext("%(total)s administrator.", "%(total)s administrators.", admins.total) % {"total": admins.total}
    return Step("admins", title, DONE, text, url, link)


def _users(domain_id: str, domain: domains.Domain, people: client.Page[users.User] | ApiError) -> Step:
    title, url, link = _("Users"), reverse("domain-users", args=(domain_id,)), _("Go to users")
    if isinstance(people, ApiError):
        return Step("users", title, UNKNOWN, "", url, link, error=people)
    if people.total:
        text = ngettext("%(total)s user.", "%(total)s users.", people.total) % {"total": people.total}
        return Step("users", title, DONE, text, url, link)
    if domain.autoProvisioningOn:
        return Step("users", title, DONE, _("None yet: the gateway creates them automatically."), url, link)
    text = _("There are none, and they are not created automatically. Switch that on, or have them created.")
    return Step("users", title, TODO, text, reverse("domain-edit", args=(domain_id,)), _("Change domain"))


def _finding(diagnosed: health.EntityHealth | ApiError, type: str, name: str, **more: Any) -> Finding | None:
    """One test of a diagnostic; its verdict as a whole says nothing about one of them (HealthRecord.status)."""
    report = None if isinstance(diagnosed, ApiError) else diagnosed.report
    test = next((test for test in (report.entries if report else None) or () if test.type == type), None)
    return finding(test, name, **more) if test else None


def _told(found: Finding) -> dict[str, Any]:
    """The state and the text of a step. Who could not look, or says something new, has not said what to do."""
    state = DONE if found.kind is None else UNKNOWN if found.kind in (UNCHECKED, OTHER) else TODO
    return {"state": state, "text": f"{found.meaning} {found.todo}".strip(), "log": found.log if state == UNKNOWN else ()}


def _error(answer: Any) -> ApiError | None:
    return answer if isinstance(answer, ApiError) else None


def _parts(key: Key) -> list[Record]:
    """The three parts that a form of a DNS provider asks for; the whole line where it is something else."""
    if not key.name:
        return [Record(_("Record"), key.line)]
    return [Record(_("Host"), key.name), Record(_("Type"), "TXT"), Record(_("Value"), key.value)]
