"""Administrator accounts and the permissions they may hold (AccessControls, 5.1)."""

import msgspec

from portal.api.operation import Operation
from portal.api.rights import Needs

LIST = Operation("listAdmins", "GET", "/security/admins", needs=Needs.GRANT, sort=("login",), filters=("search",))
READ = Operation("getAdmin", "GET", "/security/admins/{adminId}")
EDIT = Operation("updateAdmin", "PATCH", "/security/admins/{adminId}", secret=("password",))
DELETE = Operation("deleteAdminAccount", "DELETE", "/security/admins/{adminId}")

# What may be granted on one object: `scope` is its kind (domain, customer, broker), `id` which one. Both are required.
PERMISSIONS = Operation("listPermissions", "GET", "/security/permissions", query=("scope", "id"))


class Grantable(msgspec.Struct, frozen=True, kw_only=True):
    """PermissionDTO: a permission on one object; `editable` when the caller may grant it."""

    name: str | None = None
    editable: bool | None = None


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """Authority: the permissions held on one object."""

    objectType: str | None = None
    objectId: str | int | None = None
    objectName: str | None = None
    permissions: list[str] | None = None


class Admin(msgspec.Struct, frozen=True, kw_only=True):
    """Admin: an administrator's account; dates are in milliseconds since 1970."""

    id: str | int | None = None
    login: str | None = None
    displayName: str | None = None
    email: str | None = None
    enabled: bool | None = None
    language: str | None = None
    totp: bool | None = None
    sysAdmin: bool | None = None
    authorities: list[Authority] | None = None
    authoritiesCount: int | None = None
    lastConnectionDate: int | None = None  # in a list, not told; else never
    createdAt: int | None = None
