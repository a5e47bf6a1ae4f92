"""API tokens of an administrator (AuthenticationTokens, 5.2). The list is neither paged nor counted."""

from portal.api.operation import Operation
from portal.api.rights import Needs

LIST = Operation("listUserTokens", "GET", "/admins/{adminId}/tokens", needs=Needs.TARGET_USER_OR_SYSADMIN, secret=("value",))
CREATE = Operation("createToken", "POST", "/admins/{adminId}/tokens", needs=Needs.TARGET_USER_OR_SYSADMIN, secret=("value",))
DELETE = Operation("deleteToken", "DELETE", "/admins/{adminId}/tokens/{id}", needs=Needs.TARGET_USER_OR_SYSADMIN)
