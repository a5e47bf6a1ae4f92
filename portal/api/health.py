"""Diagnostics of domains and relays (Health, 5.11). Here alone, dates are in seconds since 1970."""

import msgspec

from portal.api.domains import RELAY_SECRETS
from portal.api.operation import Operation

ERRORS = Operation("getHealthErrors", "GET", "/health")
READ_DOMAIN = Operation("getDomainHealth", "GET", "/domains/{domainId}/health")
CHECK_DOMAIN = Operation("runDomainDiagnostic", "POST", "/domains/{domainId}/health")
READ_RELAY = Operation("getDiagnosticOfExistingRelay", "GET", "/platforms/{platformId}/health")
CHECK_RELAY = Operation("runDiagnosticOnExistingRelay", "POST", "/platforms/{platformId}/health")
TRY_RELAY = Operation("tryRelayConfiguration", "POST", "/health/try-relay", secret=RELAY_SECRETS)


class HealthResult(msgspec.Struct, frozen=True, kw_only=True):
    """HealthResult: one test. `result` is OK, ERROR, or ERROR_ with what is wrong; `output` are the lines of its log."""

    type: str | None = None
    ref: str | int | None = None
    result: str | None = None
    output: list[str] | None = None


class HealthRecord(msgspec.Struct, frozen=True, kw_only=True):
    """HealthRecord: `status` is the gateway's verdict, and not simply that every test passed."""

    status: bool | None = None
    entries: list[HealthResult] | None = None


class EntityHealth(msgspec.Struct, frozen=True, kw_only=True):
    """EntityHealth; `performedAt` is in seconds since 1970."""

    performedAt: int | None = None
    report: HealthRecord | None = None


class DiagnosticEntry(msgspec.Struct, frozen=True, kw_only=True):
    """DiagnosticEntryDTO: something that failed its diagnostic. `type` is its kind; the examples show DOMAIN."""

    id: str | int | None = None
    name: str | None = None
    type: str | None = None
    health: EntityHealth | None = None


class TriedRelay(msgspec.Struct, frozen=True, kw_only=True):
    """What TRY_RELAY answers: an EntityHealth, or a bare HealthRecord."""

    performedAt: int | None = None
    report: HealthRecord | None = None
    status: bool | None = None
    entries: list[HealthResult] | None = None
