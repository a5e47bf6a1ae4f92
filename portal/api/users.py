"""Mailbox accounts and their options (Users, 5.14)."""

import msgspec

from portal.api.domains import RELAY_SECRETS
from portal.api.operation import Operation
from portal.api.policies import Policy
from portal.api.rights import Needs

LIST = Operation("listUsers", "GET", "/users", sort=("email",), filters=("email", "platformName"), secret=RELAY_SECRETS)
LIST_OF_DOMAIN = Operation(
    "listDomainUsers",
    "GET",
    "/domains/{domainId}/users",
    sort=("email",),
    filters=("email", "platformName"),
    secret=RELAY_SECRETS,
    workbook=True,
)
READ = Operation("getUser", "GET", "/users/{userId}", secret=RELAY_SECRETS)
CREATE = Operation("createUser", "POST", "/users", secret=RELAY_SECRETS)
EDIT = Operation("editUser", "PATCH", "/users/{userId}", secret=("password",))
DELETE = Operation("deleteUser", "DELETE", "/users/{userId}")

OPTIONS = Operation("listUserOptions", "GET", "/users/{userId}/options")
SET_OPTION = Operation("setUserOption", "POST", "/users/{userId}/options", needs=Needs.SYSADMIN_IF_RESTRICTED)
DELETE_OPTION = Operation(
    "deleteUserOption",
    "DELETE",
    "/users/{userId}/options/{optionName}",
    needs=Needs.SYSADMIN_IF_RESTRICTED,
)


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """PlatformDTO: the relay that takes a user's mail."""

    id: str | int | None = None
    name: str | None = None
    transportDest: str | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """User, with the policy and the relay that are in force; dates are in milliseconds since 1970."""

    id: str | int | None = None
    email: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    status: str | None = None
    language: str | None = None
    creationDate: int | None = None
    domainId: str | int | None = None
    domainStatus: str | None = None
    policy: Policy | None = None
    platform: Platform | None = None
    domainPolicyId: str | int | None = None
    domainPlatformId: str | int | None = None
    mfaType: str | None = None
    lastConnectionDate: int | None = None  # in a list, not told; else never
    senderVerifyOn: bool | None = None

    @property
    def policy_inherited(self) -> bool | None:
        """Is it the domain's default policy? None where the gateway does not tell."""
        return _same(self.policy, self.domainPolicyId)

    @property
    def relay_inherited(self) -> bool | None:
        """Is it the domain's default relay? None where the gateway does not tell."""
        return _same(self.platform, self.domainPlatformId)


def _same(one: Policy | Platform | None, of_domain: str | int | None) -> bool | None:
    return None if one is None or one.id is None or of_domain is None else str(one.id) == str(of_domain)
