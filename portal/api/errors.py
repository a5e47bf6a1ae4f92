"""What can go wrong with a call to the gateway: one exception for each screen a person may see.

No exception carries the token, the request's body or its query. `message` and `fields` are the gateway's own words:
hostile text, to be shown escaped.
"""

from portal.api.rights import Needs


class ApiError(Exception):
    """A call that gave no usable answer. `operation` is its id; `request_id` finds it in the gateway's log and in ours.

    `needs` is what the contract states for the operation. `broke` is true where the status
    means, for this operation, a problem inside the gateway.
    """

    broke = False

    def __init__(
        self,
        operation: str,
        *,
        request_id: str = "",
        message: str = "",
        fields: dict[str, str] | None = None,
        needs: Needs = Needs.UNSTATED,
    ) -> None:
        super().__init__(operation)
        self.operation = operation
        self.needs = needs
        self.request_id = request_id
        self.message = message
        self.fields = fields or {}


class SignedOut(ApiError):
    """401: the token is not valid, or not any more."""


class NotAllowed(ApiError):
    """403: the account lacks the right for this call."""


class NotFound(ApiError):
    """404: no such object, or none that the account may see."""


class Refused(ApiError):
    """400 or 422: the gateway read the request and said no; `message` and `fields` may say why."""


class Conflict(Refused):
    """409: the same name or rule is there already."""


class Unmet(Refused):
    """422: the request can be read, but something that the operation needs is not so."""


class PreconditionFailed(Refused):
    """412: on a release, infected mail without X-Virus-Lover, or clean mail with it."""


class TooFast(ApiError):
    """429: wait `retry_after` seconds (60 where the gateway does not say)."""

    retry_after = 60


class UpstreamFailed(ApiError):
    """5xx, or a status that the contract does not know."""


class Unreachable(ApiError):
    """No connection: nothing was sent."""


class Busy(Unreachable):
    """No connection of ours was free in time: nothing was sent, and the gateway may well be there."""


class TimedOut(ApiError):
    """Sent, and no whole answer came. When `wrote`, nobody knows whether it happened; it is never sent again."""

    wrote = False


class BadAnswer(ApiError):
    """An answer that is no JSON, or has not the documented shape. When `wrote`, nobody knows whether it happened."""

    wrote = False
