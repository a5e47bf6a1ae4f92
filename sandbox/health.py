"""Diagnostics of domains and of relays (openapi.yaml, tag Health). Times are in seconds here, and only here."""

import smtplib
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from msgspec import UNSET, UnsetType

from sandbox import answers, dns
from sandbox.answers import Count, Id, Refusal, Shape
from sandbox.auth import Caller, domain_for, require
from sandbox.dkim import SELECTOR, bare
from sandbox.models import DkimKey, Domain, Health, Platform
from sandbox.platforms import API, AUTH

Entry = dict[str, Any]
OTHER_KEY = "Fail: DKIM key defined in DNS does not match with private part"


class RelayCheckHealthDTO(Shape):
    transport_dest: str
    transport_port: Count
    auth_type: str
    api_type: str | None
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
    for name, value, known in (("authData", body.auth_data, AUTH), ("apiData", body.api_data, API)):
        if unknown := sorted(value.keys() - known) if isinstance(value, dict) else []:
            raise Refusal(400, f"Unknown fields: {', '.join(unknown)[:200]}.", dict.fromkeys(unknown, f"unknown in {name}"))
    entries = [connect("SMTP", body.transport_dest, body.transport_port)]
    if body.fallback_transport_dest:
        entries.append(connect("SMTP_FALLBACK", body.fallback_transport_dest, body.fallback_transport_port or 25))
    ok = all(entry["result"] == "OK" for entry in entries)
    report = {"status": ok, "entries": entries}
    return answers.json({"performedAt": int(timezone.now().timestamp()), "report": report})


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
    """Connect to the relay, and to the one that stands in for it."""
    entries = [connect("SMTP", platform.transport_dest, platform.transport_port, platform.transport_type)]
    if platform.fallback_transport_dest:
        entries.append(connect(
            "SMTP_FALLBACK", platform.fallback_transport_dest, platform.fallback_transport_port or 25,
            platform.fallback_transport_type or "SMTP",
        ))
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
    # Two records of one name are as good as none: a receiver may take either (RFC 6376, 3.6.2.2).
    if key is None or len(found) > 1 or bare(found[0].partition("p=")[2].partition(";")[0]) != key.public_key:
        return entry("DKIM", "ERROR_DKIM_INVALID_COUPLE", *lines, OTHER_KEY)
    return entry("DKIM", "OK", *lines, "Passed")


def connect(kind: str, host: str, port: int, transport: str = "SMTP") -> Entry:
    """Greet a mail server, over TLS where the relay wants it, and take leave. No mail is sent."""
    lines = [f"Connecting to {host}:{port}"]
    try:
        if not allowed(host):
            return entry(kind, "ERROR", *lines, "Fail: this sandbox connects to loopback only (SANDBOX_RELAY_CHECKS)")
        server = smtplib.SMTP_SSL if port == 465 and transport != "SMTP" else smtplib.SMTP
        with server(host, port, local_hostname="gateway.example", timeout=settings.SANDBOX_TIMEOUT) as relay:
            code, _ = relay.ehlo()
            if code != 250:
                return entry(kind, "ERROR", *lines, f"Fail: EHLO was answered {code}")
            if server is smtplib.SMTP_SSL:
                lines.append("TLS established")
            elif transport != "SMTP" and relay.has_extn("starttls"):
                relay.starttls()
                lines.append("TLS established")
            elif transport == "SMTPS_ENCRYPT":
                return entry(kind, "ERROR", *lines, "Fail: the relay offers no TLS")
    except (OSError, smtplib.SMTPException, ValueError, OverflowError) as problem:
        return entry(kind, "ERROR", *lines, f"Fail: {type(problem).__name__}: {problem}"[:300])
    return entry(kind, "OK", *lines, "Passed")


def allowed(host: str) -> bool:
    """May the sandbox connect there? Unless told so, it does not even look up a name: the question would leave the machine."""
    if settings.SANDBOX_RELAY_CHECKS == "any" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def entry(kind: str, result: str, *output: str) -> Entry:
    """HealthResult"""
    return {"type": kind, "result": result, "output": list(output)}


def health_json(row: Health) -> dict[str, Any]:
    """EntityHealth"""
    return {"performedAt": int(row.performed_at.timestamp()), "report": {"status": row.ok, "entries": row.entries}}
