"""The setup checklist of a domain: what is done, and what to do next with the exact record to copy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_safe

from portal.api import access_controls, client, dkim, domains, health, users
from portal.api.errors import ApiError, NotFound
from portal.ui.pages import PortalRequest, got, region, together

DONE, TODO, UNKNOWN = "done", "todo", "unknown"
# A name, and no address: not even a masked one.
HOST = re.compile(r"(?=.{4,253}$)(?!\d+\.\d+\.)([a-z0-9_]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)
MX_PRIORITY = 10  # one for all hosts: the gateway names them as equals


@dataclass(frozen=True)
class Part:
    """A text to be copied, and what it is; `id` is its own in the page."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class Step:
    """One item of the checklist: its state, what it means, what to copy, and where to go on.

    `records` are DNS records, each in the parts that one copies. `log` is what the gateway saw; `error` is why it was not asked.
    """

    key: str
    title: str
    state: str
    text: str
    url: str
    link: str
    records: Sequence[Sequence[Part]] = ()
    log: Sequence[str] = ()
    error: ApiError | None = None


@require_safe
def domain_setup(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The checklist: the panel for htmx, a page of its own otherwise. What cannot be asked costs its own item alone."""
    api = request.api

    def domain_and_relay() -> tuple[domains.Domain, Any]:
        found = api.call(domains.READ, domains.Domain, domainId=domain_id)
        relay = relay_of(found)
        if relay is None or relay.id is None:
            return found, None
        relay_id = relay.id
        return found, together(lambda: api.call(health.READ_RELAY, health.EntityHealth, platformId=relay_id))[0]

    first, diagnosed, keys, admins, people = together(
        domain_and_relay,
        lambda: api.call(health.READ_DOMAIN, health.EntityHealth, domainId=domain_id),
        lambda: api.call(dkim.READ, list[str], domainId=domain_id),
        lambda: api.page(domains.ADMINS, access_controls.Admin, size=1, domainId=domain_id),
        lambda: api.page(users.LIST_OF_DOMAIN, users.User, size=1, domainId=domain_id),
    )
    domain, connected = got(first)
    steps = [
        _mx(domain_id, domain, diagnosed),
        _dkim(domain_id, diagnosed, keys, sysadmin=request.person.may_sysadmin),
        _relay(domain_id, domain, connected),
        _admins(domain_id, admins),
        _users(domain_id, domain, people),
    ]
    done = [step for step in steps if step.state == DONE]
    context = {"domain": domain, "domain_id": domain_id, "steps": steps, "done": len(done), "complete": len(done) == len(steps)}
    return render(request, "domains/_setup.html" if region(request) == "domain-setup" else "domains/setup.html", context)


def relay_of(domain: domains.Domain) -> domains.Platform | None:
    """The relay that takes a domain's mail where a user names no other: the default one, else the first."""
    relays = domain.platforms or []
    return next((relay for relay in relays if relay.default), relays[0] if relays else None)


def _mx(domain_id: str, domain: domains.Domain, diagnosed: health.EntityHealth | ApiError) -> Step:
    test = _test(diagnosed, "MX")
    state, records, text = _state(test), [], ""
    required = [host.rstrip(".") for line in (test.output or () if test else ()) for host in _required(line)]
    for number, host in enumerate(dict.fromkeys(required)):
        is_name = HOST.fullmatch(host)  # an MX record leads to a name; what else is required is shown as it is
        line = f"{domain.name or domain_id}. MX {MX_PRIORITY} {host}." if is_name else host
        records.append([Part(f"setup-mx-{number}", _("MX record") if is_name else _("Required by the gateway"), line)])
    match test.result if test else None:
        case "OK":
            text = _("Mail for this domain comes to the gateway.")
        case "ERROR_MX_MISSING_ENTRY":
            text = _("The domain has no MX record, so no mail reaches it.")
        case "ERROR_MX_INVALID_ENTRY":
            text = _("The MX records lead elsewhere, wholly or in part: that mail is not filtered.")
        case None:
            text = "" if isinstance(diagnosed, ApiError) else _("The diagnostic did not look at the MX records.")
        case _other:
            text = _("The MX records could not be looked up.")
    if state == TODO:
        text += " "
        if records:
            text += _("Let the domain have these MX records alone, at whoever runs its DNS.")
        else:
            text += _("Your provider's documents name the hosts that belong there: the gateway does not tell them here.")
    url = reverse("domain-health", args=(domain_id,))
    log = test.output or () if test and state == UNKNOWN else ()
    return Step("mx", _("MX records"), state, text, url, _("To the diagnostic"), records, log, _error(diagnosed))


def _dkim(domain_id: str, diagnosed: health.EntityHealth | ApiError, keys: list[str] | ApiError, *, sysadmin: bool) -> Step:
    title, url = _("DKIM signature"), reverse("domain-dkim", args=(domain_id,))
    if isinstance(keys, NotFound) or keys == []:
        text = _("The domain has no keys, so its mail goes out unsigned.")
        text += " " + (_("Create them.") if sysadmin else _("A system administrator can create them."))
        return Step("dkim", title, TODO, text, url, _("To DKIM"))
    test = _test(diagnosed, "DKIM")
    state = _state(test)
    error = keys if isinstance(keys, ApiError) else _error(diagnosed)
    records = [] if isinstance(keys, ApiError) or state == DONE else [_record(keys[0])]
    match test.result if test else None:
        case "OK":
            text = _("The key is in DNS, and mail that goes out is signed.")
        case "ERROR_DKIM_MISSING_ENTRY":
            text = _("The keys exist, but DNS does not have this record yet.")
        case "ERROR_DKIM_INVALID_COUPLE":
            text = _("DNS has another key than the gateway signs with: replace it by this record.")
        case None:
            text = "" if isinstance(diagnosed, ApiError) else _("The diagnostic did not look at DKIM.")
        case _other:
            text = _("The record could not be looked up.")
    if state != DONE and not isinstance(keys, ApiError) and len(keys) > 1:
        more = len(keys) - 1
        text += " " + ngettext(
            "%(more)s more name needs a record, too.", "%(more)s more names need a record each, too.", more
        ) % {"more": more}
    log = test.output or () if test and state == UNKNOWN else ()
    return Step("dkim", title, state, text, url, _("To DKIM"), records, log, None if state == DONE else error)


def _relay(domain_id: str, domain: domains.Domain, connected: health.EntityHealth | ApiError | None) -> Step:
    title, url, link = _("Relay"), reverse("domain-relays", args=(domain_id,)), _("To the relays")
    relay = relay_of(domain)
    if relay is None:
        return Step("relay", title, TODO, _("There is no relay: the gateway has nowhere to deliver the mail."), url, link)
    where = {"relay": relay.name or relay.transportDest or relay.id or "?"}
    report = None if connected is None or isinstance(connected, ApiError) else connected.report
    if report is None:
        text = "" if isinstance(connected, ApiError) else _("The relay was not tested yet.")
        return Step("relay", title, UNKNOWN, text, url, link, error=_error(connected))
    if report.status:  # the gateway's own verdict: it may hold although the relay that stands in does not answer
        return Step("relay", title, DONE, _("The relay %(relay)s takes the mail.") % where, url, link)
    log = [line for test in report.entries or () if test.result != "OK" for line in test.output or ()]
    return Step("relay", title, TODO, _("The relay %(relay)s does not take mail.") % where, url, link, log=log)


def _admins(domain_id: str, admins: client.Page[access_controls.Admin] | ApiError) -> Step:
    title, url, link = _("First administrator"), reverse("domain-admins", args=(domain_id,)), _("To the administrators")
    if isinstance(admins, ApiError):
        return Step("admins", title, UNKNOWN, "", url, link, error=admins)
    if not admins.total:
        text = _("Nobody administers this domain but those who administer its customer.")
        return Step("admins", title, TODO, text, url, link)
    text = ngettext("%(total)s administrator.", "%(total)s administrators.", admins.total) % {"total": admins.total}
    return Step("admins", title, DONE, text, url, link)


def _users(domain_id: str, domain: domains.Domain, people: client.Page[users.User] | ApiError) -> Step:
    title, url, link = _("Users"), reverse("domain-users", args=(domain_id,)), _("To the users")
    if isinstance(people, ApiError):
        return Step("users", title, UNKNOWN, "", url, link, error=people)
    if people.total:
        text = ngettext("%(total)s user.", "%(total)s users.", people.total) % {"total": people.total}
        return Step("users", title, DONE, text, url, link)
    if domain.autoProvisioningOn:
        return Step("users", title, DONE, _("None yet: the gateway makes each by itself, with its first mail."), url, link)
    text = _("There are none, and they are not made automatically. Switch that on, or have them created.")
    return Step("users", title, TODO, text, reverse("domain-edit", args=(domain_id,)), _("Change the domain"))


def _test(diagnosed: health.EntityHealth | ApiError, kind: str) -> health.HealthResult | None:
    """One test of a diagnostic; its verdict as a whole says nothing about one of them (HealthRecord.status)."""
    report = None if isinstance(diagnosed, ApiError) else diagnosed.report
    return next((test for test in (report.entries if report else None) or () if test.type == kind), None)


def _state(test: health.HealthResult | None) -> str:
    """A bare ERROR is a test that could not be made."""
    if test is None or test.result in (None, "ERROR"):
        return UNKNOWN
    return DONE if test.result == "OK" else TODO


def _error(answer: Any) -> ApiError | None:
    return answer if isinstance(answer, ApiError) else None


def _required(line: str) -> list[str]:
    """The hosts in a line of the MX test's log: `Required: mx1.gateway.example, mx2.gateway.example`."""
    found = re.match(r"\s*Required:\s*(.{1,2000})", line)
    return [host for host in re.split(r"[,\s]+", found[1]) if host][:20] if found else []


def _record(line: str) -> list[Part]:
    """`host TXT value` in the three parts that a form of a DNS provider asks for; in one where it is something else."""
    found = re.fullmatch(r"(\S+)\s+(TXT)\s+(.+)", line, re.DOTALL)
    if not found:
        return [Part("setup-dkim", _("Record"), line)]
    labels = (("host", _("Host")), ("type", _("Type")), ("value", _("Value")))
    return [Part(f"setup-dkim-{key}", label, text) for (key, label), text in zip(labels, found.groups(), strict=True)]
