"""Service bundles of a domain and their settings (DomainPolicies, 5.4)."""

import msgspec

from portal.api.operation import Operation

LIST = Operation("listDomainPolicies", "GET", "/domains/{domainId}/policies", sort=("name",))
READ = Operation("getDomainPolicy", "GET", "/policies/{policyId}")
CREATE = Operation("createPolicy", "POST", "/domains/{domainId}/policies", needs="sysadmin")
EDIT = Operation("editPolicy", "PATCH", "/policies/{policyId}", needs="sysadmin")
DELETE = Operation("deletePolicy", "DELETE", "/policies/{policyId}", needs="sysadmin")


class RelayProps(msgspec.Struct, frozen=True, kw_only=True):
    """RelayProps: what still goes to the mailbox."""

    relaySpam: bool | None = None
    spamScoreLimit: float | None = None


class QuarantineProps(msgspec.Struct, frozen=True, kw_only=True):
    """QuarantineProps; `duration` is in days."""

    duration: int | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Policy; `mailSizeLimit` is in MB."""

    id: str | int | None = None
    name: str | None = None
    domainId: str | int | None = None
    quarantine: bool | None = None
    retention: bool | None = None
    archive: bool | None = None
    spamScore: float | None = None
    mailSizeLimit: int | None = None
    relayProps: RelayProps | None = None
    quarantineProps: QuarantineProps | None = None
