"""Short-lived sign-in tokens (TemporaryAuthTokens, 5.13)."""

from portal.api.operation import Operation
from portal.api.rights import Needs

# A GET with an effect: it issues a token. A user may ask for one of their own without the permission.
# The answer's `url` signs in like its `token`.
ISSUE = Operation(
    "getTemporaryAuthToken",
    "GET",
    "/token",
    needs=Needs.IMPERSONATE,
    query=("username", "validity"),
    secret=("token", "url"),
    effects=True,
)
