"""Diagnostics of domains and relays (Health, 5.11). Here alone, dates are in seconds since 1970."""

from portal.api.operation import Operation

ERRORS = Operation("getHealthErrors", "GET", "/health")
READ_DOMAIN = Operation("getDomainHealth", "GET", "/domains/{domainId}/health")
CHECK_DOMAIN = Operation("runDomainDiagnostic", "POST", "/domains/{domainId}/health")
READ_RELAY = Operation("getDiagnosticOfExistingRelay", "GET", "/platforms/{platformId}/health")
CHECK_RELAY = Operation("runDiagnosticOnExistingRelay", "POST", "/platforms/{platformId}/health")
TRY_RELAY = Operation("tryRelayConfiguration", "POST", "/health/try-relay")
