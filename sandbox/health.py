"""Diagnostics of domains and of relays (openapi.yaml, tag Health). Times are in seconds here, and only here."""

from typing import Any, Literal

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from msgspec import UNSET, UnsetType

from sandbox import answers, dns, relays
from sandbox.answers import Count, Id, Refusal, Shape
from sandbox.auth import Caller, domain_for, require
from sandbox.dkim import SELECTOR, bare
from sandbox.models import DkimKey, Domain, Health, Platform
from sandbox.platforms import API, AUTH, ApiType, AuthType, known, with_secrets
from sandbox.relays import Entry

OTHER_KEY = "Fail: DKIM key defined in DNS does not match with private part"


class RelayCheckHealthDTO(Shape):
    transport_dest: str
    transport_port: Count
    auth_type: AuthType
    api_type: ApiType | Literal[""] | None
    id: Id | UnsetType | None = UNSET
    fallback_transport_dest: str | UnsetType | None = UNSET
    fallback_transport_port: Count | UnsetType | None = UNSET
    auth_data: dict[str, Any] | str | UnsetType | None = UNSET
    api_data: dict[str, Any] | UnsetType | None = UNSET


def get_domain_health(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """getDomainHealth: of the last diagnostic; a domain that never had one gets its first."""
    domain = domain_for(caller, domain_id, "DOMAIN_VIEW")
    return answers.json(health_json(Health.objects.filter(domain=domain).first() or examined(domain)))


def run_domain_diagnostic(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """runDomainDiagnostic"""
    return answers.json(health_json(examined(domain_for(caller, domain_id, "DOMAIN_EDIT"))), status=201)


def get_diagnostic_of_existing_relay(request: HttpRequest, caller: Caller, platform_id: str) -> HttpResponse:
    """getDiagnosticOfExistingRelay: likewise."""
    platform = platform_for(caller, platform_id, "DOMAIN_VIEW")
    return answers.json(health_json(Health.objects.filter(platform=platform).first() or tried(platform)))


def run_diagnostic_on_existing_relay(request: HttpRequest, caller: Caller, platform_id: str) -> HttpResponse:
    """runDiagnosticOnExistingRelay"""
    return answers.json(health_json(tried(platform_for(caller, platform_id, "DOMAIN_EDIT"))), status=201)


def get_health_errors(request: HttpRequest, caller: Caller) -> HttpResponse:
    """getHealthErrors: of what the caller may see."""
    answers.parameters(request)
    seen = Domain.objects.filter(caller.reach("DOMAIN_VIEW"))
    rows = Health.objects.filter(Q(domain__in=seen) | Q(platform__domain__in=seen), ok=False)
    rows = rows.select_related("domain", "platform").order_by("pk")
    return answers.json([
        {
            "id": about.uid, "name": about.name, "type": "DOMAIN" if isinstance(about, Domain) else "PLATFORM",
            "health": health_json(row),
        }
        for row in rows if (about := row.domain or row.platform)
    ])


def try_relay_configuration(request: HttpRequest, caller: Caller) -> HttpResponse:
    """tryRelayConfiguration: for those who may configure relays somewhere. Nothing is stored."""
    if not Domain.objects.filter(caller.reach("DOMAIN_EDIT")).exists():
        raise Refusal(403, "You do not have permission to execute this request. (DOMAIN_EDIT required)")
    body = answers.sent(request, RelayCheckHealthDTO)
    relay = Platform(
        transport_dest=body.transport_dest, transport_port=body.transport_port,
        fallback_transport_dest=body.fallback_transport_dest or None,
        fallback_transport_port=body.fallback_transport_port or None,
        auth_type=body.auth_type.lower(), auth_data=known(body.auth_data, AUTH, "authData"),
        api_type=body.api_type.upper() if body.api_type else None, api_data=known(body.api_data, API, "apiData"),
    )
    if isinstance(body.id, str | int):
        stored = relay_of(caller, str(body.id))
        relay.auth_data = with_secrets(stored.auth_data, relay.auth_data)
        relay.api_data = with_secrets(stored.api_data, relay.api_data)
    entries = relays.checks(relay)
    report = {"status": all(entry["result"] == "OK" for entry in entries), "entries": entries}
    return answers.json({"performedAt": int(timezone.now().timestamp()), "report": report})


def relay_of(caller: Caller, uid: str) -> Platform:
    """The relay that a trial is about, whose secrets it takes; 400 where the caller sees none."""
    try:
        return platform_for(caller, uid, "DOMAIN_EDIT")
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        raise Refusal(400, "There is no such relay.", {"id": "no such relay"}) from None


def platform_for(caller: Caller, uid: str, permission: str) -> Platform:
    platform = Platform.objects.select_related("domain__customer").filter(pk=Platform.key(uid)).first()
    if platform is None or not caller.on(platform.domain):
        raise Refusal(404, "Platform does not exist.")
    require(caller.on(platform.domain), permission)
    return platform


def examined(domain: Domain) -> Health:
    """Look the domain up in DNS. Signing is optional: a domain that has no key is well without one."""
    key = DkimKey.objects.filter(domain=domain).first()
    entries = [mx(domain), dkim(domain, key)]
    ok = entries[0]["result"] == "OK" and (key is None or entries[1]["result"] == "OK")
    row, _ = Health.objects.update_or_create(
        domain=domain, defaults={"performed_at": timezone.now(), "ok": ok, "entries": entries},
    )
    return row


def tried(platform: Platform) -> Health:
    """Ask all servers of the relay."""
    entries = relays.checks(platform)
    ok = all(entry["result"] == "OK" for entry in entries)
    row, _ = Health.objects.update_or_create(
        platform=platform, defaults={"performed_at": timezone.now(), "ok": ok, "entries": entries},
    )
    return row


def mx(domain: Domain) -> Entry:
    """Does the domain's mail come to this gateway?"""
    lines = [f"Lookup for MX entry in DNS for {domain.name}"]
    try:
        hosts = dns.mx(domain.name)
    except dns.Unreachable as problem:
        return entry("MX", "ERROR", *lines, f"Fail: {problem}")
    lines += [f"Found: {host}" for host in hosts]
    if not hosts:
        return entry("MX", "ERROR_MX_MISSING_ENTRY", *lines, "Fail: No MX entry found")
    if not set(hosts) <= set(settings.SANDBOX_MX):
        return entry("MX", "ERROR_MX_INVALID_ENTRY", *lines, f"Required: {', '.join(settings.SANDBOX_MX)}", "Fail")
    return entry("MX", "OK", *lines, "Passed")


def dkim(domain: Domain, key: DkimKey | None) -> Entry:
    """Does DNS publish the key that signs the domain's mail?"""
    selector = key.selector if key else SELECTOR
    lines = [f"Lookup for dkim entry in DNS for {domain.name}"]
    try:
        found = [text for text in dns.texts(f"{selector}._domainkey.{domain.name}") if "p=" in text]
    except dns.Unreachable as problem:
        return entry("DKIM", "ERROR", *lines, f"Fail: {problem}")
    if not found:
        missing = f'Fail: DKIM DNS entry not found for domain "{domain.name}" and selector "{selector}"'
        return entry("DKIM", "ERROR_DKIM_MISSING_ENTRY", *lines, missing)
    lines += [f"Found: {text[:1000]}" for text in found[:10]]
    # Two records of one name are as good as none: a receiver may take either (RFC 6376, 3.6.2.2).
    if key is None or len(found) > 1 or bare(found[0].partition("p=")[2].partition(";")[0]) != key.public_key:
        return entry("DKIM", "ERROR_DKIM_INVALID_COUPLE", *lines, OTHER_KEY)
    return entry("DKIM", "OK", *lines, "Passed")


def entry(kind: str, result: str, *output: str) -> Entry:
    """HealthResult"""
    return {"type": kind, "result": result, "output": list(output)}


def health_json(row: Health) -> dict[str, Any]:
    """EntityHealth"""
    return {"performedAt": int(row.performed_at.timestamp()), "report": {"status": row.ok, "entries": row.entries}}
