"""Short-lived sign-in tokens (TemporaryAuthTokens, 5.13)."""

from portal.api.operation import Operation

# A GET with an effect: it issues a token. A user may ask for one of their own without the permission.
# The answer's `url` signs in like its `token`.
ISSUE = Operation(
    "getTemporaryAuthToken", "GET", "/token", needs="impersonate", query=("username", "validity"), secret=("token", "url")
)
