"""Administrator accounts and the permissions they may hold (AccessControls, 5.1)."""

from portal.api.operation import Operation

LIST = Operation("listAdmins", "GET", "/security/admins", needs="GRANT", sort=("login",), filters=("search",))
READ = Operation("getAdmin", "GET", "/security/admins/{adminId}")
EDIT = Operation("updateAdmin", "PATCH", "/security/admins/{adminId}")
DELETE = Operation("deleteAdminAccount", "DELETE", "/security/admins/{adminId}")

# What may be granted on one object: `scope` is its kind (domain, customer, broker), `id` which one. Both are required.
PERMISSIONS = Operation("listPermissions", "GET", "/security/permissions", query=("scope", "id"))
