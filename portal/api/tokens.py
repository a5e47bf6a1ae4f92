"""API tokens of an administrator (AuthenticationTokens, 5.2). The list is neither paged nor counted."""

from portal.api.operation import Operation

LIST = Operation("listUserTokens", "GET", "/admins/{adminId}/tokens", needs="target user or sysadmin", secret=("value",))
CREATE = Operation("createToken", "POST", "/admins/{adminId}/tokens", needs="target user or sysadmin", secret=("value",))
DELETE = Operation("deleteToken", "DELETE", "/admins/{adminId}/tokens/{id}", needs="target user or sysadmin")
