"""Allow and block rules on senders, of a domain or of one mailbox (FilteringRulesOnSenders, 5.9)."""

import msgspec

from portal.api.operation import Operation

LIST_OF_DOMAIN = Operation(
    "getDomainFilterRules",
    "GET",
    "/domains/{domainId}/wblist",
    sort=("owner",),
    filters=("type", "value"),
    workbook=True,
)
ADD_TO_DOMAIN = Operation("addDomainRule", "POST", "/domains/{domainId}/wblist")
EDIT_OF_DOMAIN = Operation("updateDomainRule", "PUT", "/domains/{domainId}/wblist/{wbItemId}")
DELETE_OF_DOMAIN = Operation("deleteDomainRule", "DELETE", "/domains/{domainId}/wblist/{wbItemId}")
REPLACE_OF_DOMAIN = Operation("setDomainRules", "PUT", "/domains/{domainId}/wblist")

LIST_OF_USER = Operation(
    "getUserFilterRules",
    "GET",
    "/users/{userId}/wblist",
    sort=("id",),
    filters=("type", "value"),
    workbook=True,
)
ADD_TO_USER = Operation("addMailboxRule", "POST", "/users/{userId}/wblist")
EDIT_OF_USER = Operation("updateMailboxRule", "PUT", "/users/{userId}/wblist/{wbItemId}")
DELETE_OF_USER = Operation("deleteMailboxRule", "DELETE", "/users/{userId}/wblist/{wbItemId}")
REPLACE_OF_USER = Operation("setMailboxRules", "PUT", "/users/{userId}/wblist")

# Rules for several domains and mailboxes at once: each names its owner.
ADD_TO_MANY = Operation("addEntries", "POST", "/wblist")


class SenderRule(msgspec.Struct, frozen=True, kw_only=True):
    """FilterSender; dates are in milliseconds since 1970."""

    id: str | int | None = None
    value: str | None = None
    owner: str | None = None
    type: str | None = None
    createdDate: int | None = None
    expireAt: int | None = None
    description: str | None = None
    spfOn: bool | None = None
