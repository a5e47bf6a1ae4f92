"""The relays of a domain: shown, tried, checked, made, changed, deleted; and the tester, which needs no domain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from portal.api import domains, health
from portal.api.errors import ApiError, NotFound, SignedOut, TimedOut
from portal.meaning.diagnosis import Diagnosis, diagnosis
from portal.meaning.findings import WARN
from portal.pages.relays.forms import REMEDIATION, SIGN_IN, ConnectionForm, Overtook, Relay, RelayForm, sendable
from portal.ui import checks
from portal.ui.confirm import Question, confirm
from portal.ui.pages import PortalRequest, got, one_time_key, said, together
from portal.ui.save import save
from portal.ui.screens import is_fragment
from portal.ui.words import ENCRYPTION

GET_AND_POST = ("GET", "POST")
NO_NAME = lazy("(no name)")


@dataclass(frozen=True)
class Card:
    """A relay as the list shows it; `id` is "" where the gateway gave none, and then nothing can be done with it."""

    id: str
    name: str
    default: bool
    main: str
    fallback: str
    sign_in: str
    remediation: str


@require_safe
def relay_list(request: PortalRequest, domain_id: str) -> HttpResponse:
    """All relays of a domain. One call; what their last checks found comes by itself, as far as one scrolls."""
    domain = request.api.call(domains.READ, domains.DomainRelays, ids={"domainId": domain_id})
    cards = [_card(relay) for relay in domain.platforms or ()]
    defaults = sum(card.default for card in cards)
    return render(request, "relays/list.html", {"domain": domain, "domain_id": domain_id, "cards": cards, "defaults": defaults})


@require_http_methods(GET_AND_POST)
def relay_new(request: PortalRequest, domain_id: str) -> HttpResponse:
    domain = request.api.call(domains.READ, domains.DomainRelays, ids={"domainId": domain_id})
    return _edit(request, domain, domain_id, {})


@require_http_methods(GET_AND_POST)
def relay_edit(request: PortalRequest, domain_id: str, relay_id: str) -> HttpResponse:
    domain = request.api.call(domains.READ, domains.DomainRelays, ids={"domainId": domain_id})
    return _edit(request, domain, domain_id, _found(domain, relay_id))


def _edit(request: PortalRequest, domain: domains.DomainRelays, domain_id: str, relay: Relay) -> HttpResponse:
    """The form of a relay."""
    form = RelayForm(request, relay)
    back = reverse("domain-relays", args=(domain_id,))
    told = _tried(request, form) if form.trying else None
    if form.trying and is_fragment(request):
        return render(request, "relays/_tried.html", {"form": form, "told": told}, status=form.status)
    if request.method == "POST" and not form.trying and form.is_valid():
        written = form.written()
        target = f"{written.get('name') or NO_NAME} ({domain.name or domain_id})"
        changed = _("The relay was changed. The result of its last check may no longer be right: check it again.")
        call: dict[str, Any] = {
            "target": target,
            "done": changed if relay else _("The relay was added."),
            "back": back,
            "taken": "name",
        }
        if answer := save(request, form, domains.EDIT, **_write(request, domain_id, relay, written), **call):
            return answer
    context = {"domain": domain, "domain_id": domain_id, "relay": relay, "form": form, "told": told}
    return render(request, "relays/edit.html", context, status=form.status)


def _write(request: PortalRequest, domain_id: str, relay: Relay, written: Relay | None) -> dict[str, Any]:
    """What `act` needs to write `written` in the place of `relay`: {} for a new one, and None for no longer any.

    All relays are written at once (docs/decisions/0007). So the others are read again once it is our turn: they are written back
    as they are at that moment, also one that was added since the page was shown. Raises NotFound and Overtook.
    """

    def body() -> dict[str, Any]:
        domain = request.api.call(domains.READ, domains.DomainRelays, ids={"domainId": domain_id})
        now = _found(domain, str(relay.get("id"))) if relay else None
        if written and now and now != relay:
            raise Overtook(domains.EDIT.id)
        relays = [written if one is now else sendable(one) for one in domain.platforms or ()]
        return {"platforms": [one for one in (relays if relay else [*relays, written]) if one is not None]}

    return {"json": body, "lock": (domain_id,), "wait": True, "ids": {"domainId": domain_id}}


@require_http_methods(GET_AND_POST)
def relay_delete(request: PortalRequest, domain_id: str, relay_id: str) -> HttpResponse:
    """Take a relay out of the domain's list."""

    def ask() -> Question:
        domain = request.api.call(domains.READ, domains.DomainRelays, ids={"domainId": domain_id})
        relay = _found(domain, relay_id)
        card = _card(relay)
        where = {"domain": domain.name or domain_id, "host": relay.get("transportDest") or card.name}
        last = len(domain.platforms or ()) < 2
        return Question(
            target=f"{card.name} ({domain.name or domain_id})",
            url=reverse("domain-relays", args=(domain_id,)),
            title=_("Delete relay %(name)s?") % {"name": card.name},
            lines=[
                _("Mail for %(domain)s is no longer delivered to %(host)s.") % where,
                _("This is the last relay of this domain: without it, its mail has nowhere to go.")
                if last
                else _("Users whose mail goes through this relay need another one."),
            ],
            button=_("Delete"),
            head={"domain": domain, "domain_id": domain_id, "tab": "relays"},
            write=_write(request, domain_id, relay, None),
        )

    return confirm(request, domains.EDIT, {}, ask, done=_("The relay was deleted."))


@require_http_methods(GET_AND_POST)
def relay_check(request: PortalRequest, domain_id: str, relay_id: str) -> HttpResponse:
    """What the last check of a relay found; POST runs it again."""
    here = reverse("relay-check", args=(domain_id, relay_id))
    if request.method == "POST":
        domain = request.api.call(domains.READ, domains.DomainRelays, ids={"domainId": domain_id})
        target = f"{_card(_found(domain, relay_id)).name} ({domain.name or domain_id})"
        try:
            told = _told(checks.run(request, "PLATFORM", relay_id, target, here))
        except TimedOut:
            told = _too_long()
        if not is_fragment(request):
            return said(request, told.text, here, messages.SUCCESS if told.works else messages.WARNING)
    elif is_fragment(request):
        told = _told(request.api.call(health.READ_RELAY, health.EntityHealth, ids={"platformId": relay_id}))
    else:
        domain, last = together(
            lambda: request.api.call(domains.READ, domains.DomainRelays, ids={"domainId": domain_id}),
            lambda: request.api.call(health.READ_RELAY, health.EntityHealth, ids={"platformId": relay_id}),
        )
        context = {"domain": got(domain), "domain_id": domain_id, "card": _card(_found(got(domain), relay_id)), "here": here}
        context |= {"error": last} if isinstance(last, ApiError) else {"told": _told(last)}
        context["once"] = one_time_key()
        return render(request, "relays/check.html", context)
    return render(request, "relays/_told.html", {"told": told, "here": here, "once": one_time_key()})


def _told(found: health.EntityHealth) -> Diagnosis:
    return diagnosis(found, about="PLATFORM")


def _too_long() -> Diagnosis:
    """No answer within the time that we wait."""
    text = _(
        "The test took too long, so its result is unknown. This often happens when nothing answers: check the host "
        "and port, then try again in a minute."
    )
    return Diagnosis(WARN, text, [])


@require_http_methods(GET_AND_POST)
def relay_tester(request: PortalRequest) -> HttpResponse:
    """Try any configuration. Nothing is stored, so nothing is logged; it is a POST since the gateway connects somewhere."""
    form = ConnectionForm(request)
    told = _tried(request, form) if request.method == "POST" else None
    template = "relays/_tried.html" if request.method == "POST" and is_fragment(request) else "relays/tester.html"
    return render(request, template, {"form": form, "told": told}, status=form.status)


def _tried(request: PortalRequest, form: ConnectionForm) -> Diagnosis | None:
    """Have the gateway try what the form says. None when it was not tried: then the form says why."""
    if not form.is_valid():
        return None
    try:
        answer = request.api.call(health.TRY_RELAY, health.TriedRelay, json=form.tried())
        report = answer.report or health.HealthRecord(status=answer.status, entries=answer.entries)
        told = _told(health.EntityHealth(performedAt=answer.performedAt, report=report))
    except TimedOut:
        told = _too_long()
    except SignedOut:
        raise
    except ApiError as error:
        form.refuse(error)
        return None
    form.status = 200
    return told


def _found(domain: domains.DomainRelays, relay_id: str) -> Relay:
    """The relay of this id. Raises NotFound, also when somebody removed it meanwhile."""
    for relay in domain.platforms or ():
        if str(relay.get("id")) == relay_id:
            return relay
    raise NotFound(domains.READ.id)


def _card(relay: Mapping[str, Any]) -> Card:
    id = relay.get("id")
    return Card(
        id="" if id is None else str(id),
        name=str(relay.get("name") or NO_NAME),
        default=relay.get("default") is True,
        main=_server(relay, "transport"),
        fallback=_server(relay, "fallbackTransport"),
        sign_in=_settings(relay, "authType", "authData", {**dict(SIGN_IN), "": SIGN_IN[0][1]}),
        remediation=_settings(relay, "apiType", "apiData", dict(REMEDIATION)),
    )


def _server(relay: Mapping[str, Any], which: str) -> str:
    """Where a relay is: `mx.example.org:25, always encrypt`; "" where nothing is set."""
    host, port, kind = (relay.get(f"{which}{part}") for part in ("Dest", "Port", "Type"))
    if not host:
        return ""
    place = f"[{host}]" if ":" in str(host) else str(host)
    return ", ".join(filter(None, (f"{place}:{port}" if port else place, str(dict(ENCRYPTION).get(str(kind), kind or "")))))


def _settings(relay: Mapping[str, Any], kind: str, data: str, words: Mapping[str, Any]) -> str:
    """A kind of settings and whose they are: `at a directory (LDAP): ldap.example.org`."""
    type = str(relay.get(kind) or "")
    word = next((str(words[one]) for one in (type, type.lower(), type.upper()) if one in words), type)
    settings = relay.get(data)
    settings = settings if isinstance(settings, dict) else {}
    place = next((str(settings[name]) for name in ("host", "issuerUri", "tenantId") if settings.get(name)), "")
    return f"{word}: {place}" if place else word
