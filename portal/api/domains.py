"""Domains, and on each of them: its administrators, what its users may do, its options (Domains, 5.5)."""

from typing import Any

import msgspec

from portal.api.operation import Operation
from portal.api.policies import Policy
from portal.api.rights import Needs

RELAY_SECRETS = ("bind_password", "clientSecret", "password")  # in the settings of a relay, wherever it is shown or written

# Sort keys, here and in the other groups: the contract names the default of each list and, for domains alone, a second one (3.2).
LIST = Operation(
    "listDomains",
    "GET",
    "/domains",
    sort=("name", "id"),
    filters=("name", "status", "customerId", "externalId", "platformId", "platformName"),
    secret=RELAY_SECRETS,
)
READ = Operation("getDomain", "GET", "/domains/{domainId}", secret=RELAY_SECRETS)
CREATE = Operation("createDomain", "POST", "/domains", needs=Needs.SYSADMIN, secret=RELAY_SECRETS)
EDIT = Operation("editDomain", "PATCH", "/domains/{domainId}", headers=("X-Ignore-MX",), secret=RELAY_SECRETS)
DELETE = Operation("deleteDomain", "DELETE", "/domains/{domainId}", needs=Needs.SYSADMIN, headers=("X-Ignore-MX",))

# The administrators of one domain. access_controls.py has their accounts.
ADMINS = Operation("listDomainAdmins", "GET", "/domains/{domainId}/admins", sort=("login",), filters=("search",))
READ_ADMIN = Operation("getDomainAdmin", "GET", "/domains/{domainId}/admins/{adminId}")
ADD_ADMIN = Operation("createAdminAccess", "POST", "/domains/{domainId}/admins", secret=("password",))
SET_ADMIN_PERMISSIONS = Operation("defineAdminAccess", "PUT", "/domains/{domainId}/admins/{adminId}/authorities")
REVOKE_ADMIN = Operation("revokeAdminAccess", "DELETE", "/domains/{domainId}/admins/{adminId}")

# What the users of one domain may do: a list of permission names, replaced as a whole.
USERS_ACCESS = Operation("listUsersAccess", "GET", "/domains/{domainId}/access")
SET_USERS_ACCESS = Operation("affectUsersAccess", "PUT", "/domains/{domainId}/access")

# Whether an option's value is secret depends on its type (portal/pages/options.py).
OPTIONS = Operation("listDomainOptions", "GET", "/domains/{domainId}/options")
SET_OPTION = Operation("setDomainOption", "POST", "/domains/{domainId}/options", needs=Needs.SYSADMIN_IF_RESTRICTED)
DELETE_OPTION = Operation(
    "deleteDomainOption",
    "DELETE",
    "/domains/{domainId}/options/{optionName}",
    needs=Needs.SYSADMIN_IF_RESTRICTED,
)


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """Alias: another name of a domain."""

    id: str | int | None = None
    name: str | None = None


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """AclPermissionStatus: a permission of the end users, on or off."""

    name: str | None = None
    enabled: bool | None = None


class OutgoingProvider(msgspec.Struct, frozen=True, kw_only=True):
    """OutgoingProvider: a service that may send for the domain; `spfProvider` is the host to include in SPF."""

    id: str | int | None = None
    name: str | None = None
    spfProvider: str | None = None
    active: bool | None = None


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """PlatformDTO: a relay, that is the mail server behind a domain. The pages of relays read all of it (DomainRelays)."""

    id: str | int | None = None
    name: str | None = None
    transportDest: str | None = None
    transportPort: int | None = None
    default: bool | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """CustomerDTO: who owns a domain; the date is in milliseconds since 1970."""

    id: str | int | None = None
    brokerId: str | int | None = None
    name: str | None = None
    description: str | None = None
    externalId: str | None = None
    createdAt: int | None = None


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """Domain; dates are in milliseconds since 1970."""

    id: str | int | None = None
    name: str | None = None
    description: str | None = None
    status: str | None = None
    wblistPriority: str | None = None
    defaultLanguage: str | None = None
    autoProvisioningOn: bool | None = None
    senderVerifyOn: bool | None = None
    policy: Policy | None = None
    domainAliases: list[Alias] | None = None
    activeUsersCount: int | None = None
    policiesCount: int | None = None
    quarantine: bool | None = None
    retention: bool | None = None
    archive: bool | None = None
    incoming: bool | None = None
    creationDate: int | None = None
    deletionDate: int | None = None
    purgeDate: int | None = None
    customer: Customer | None = None
    externalId: str | None = None
    outgoingSubnets: list[str] | None = None
    outgoingProviders: list[OutgoingProvider] | None = None
    platforms: list[Platform] | None = None


class DomainRelays(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages of relays need of a Domain. `platforms` are its relays word for word: they are written back as a whole."""

    name: str | None = None
    status: str | None = None
    purgeDate: int | None = None
    platforms: list[dict[str, Any]] | None = None
