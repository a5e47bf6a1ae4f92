"""Service bundles of a domain and their settings (DomainPolicies, 5.4)."""

import msgspec

from portal.api.operation import Operation
from portal.api.rights import Needs

LIST = Operation("listDomainPolicies", "GET", "/domains/{domainId}/policies", sort=("name",))
READ = Operation("getDomainPolicy", "GET", "/policies/{policyId}")
CREATE = Operation("createPolicy", "POST", "/domains/{domainId}/policies", needs=Needs.SYSADMIN)
EDIT = Operation("editPolicy", "PATCH", "/policies/{policyId}", needs=Needs.SYSADMIN)
DELETE = Operation("deletePolicy", "DELETE", "/policies/{policyId}", needs=Needs.SYSADMIN)


class RelayProps(msgspec.Struct, frozen=True, kw_only=True):
    """RelayProps: what still goes to the mailbox; spam from `spamScoreLimit` on never does."""

    relaySpam: bool | None = None
    relayAdvert: bool | None = None
    advertPrefix: str | None = None
    prefixSpam: str | None = None
    relayBadHeaders: bool | None = None
    relayBadAttachments: bool | None = None
    spamScoreLimit: float | None = None


class QuarantineProps(msgspec.Struct, frozen=True, kw_only=True):
    """QuarantineProps: what is held; `duration` is in days."""

    duration: int | None = None
    storeSpam: bool | None = None
    storeVirus: bool | None = None
    storeAdvert: bool | None = None
    storeBlacklisted: bool | None = None
    storeSenderVerify: bool | None = None
    storeBadHeaders: bool | None = None
    storeBadEncoding: bool | None = None
    storeBadAttachments: bool | None = None


class RetentionProps(msgspec.Struct, frozen=True, kw_only=True):
    """RetentionProps; `duration` is in days."""

    duration: int | None = None
    storeMailOut: bool | None = None
    storeCleanMailIn: bool | None = None


class ArchiveProps(msgspec.Struct, frozen=True, kw_only=True):
    """ArchiveProps; `duration` is in months."""

    duration: int | None = None
    archiveByCopy: bool | None = None
    storeMailOut: bool | None = None
    storeCleanMailIn: bool | None = None
    storeSpam: bool | None = None
    storeBadHeaders: bool | None = None
    storeBadEncoding: bool | None = None
    storeBadAttachments: bool | None = None
    storeAdvert: bool | None = None
    storeBlacklisted: bool | None = None
    storeSenderVerify: bool | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Policy; `mailSizeLimit` is in MB. The settings of a service that is off are None."""

    id: str | int | None = None
    name: str | None = None
    domainId: str | int | None = None
    quarantine: bool | None = None
    retention: bool | None = None
    archive: bool | None = None
    incoming: bool | None = None
    outgoing: bool | None = None
    spamScore: float | None = None
    mailSizeLimit: int | None = None
    relayProps: RelayProps | None = None
    quarantineProps: QuarantineProps | None = None
    retentionProps: RetentionProps | None = None
    archiveProps: ArchiveProps | None = None
