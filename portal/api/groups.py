"""Email aliases: addresses that deliver to others (UsersAliases, 5.15). The API's paths, and our pages, call them groups."""

from portal.api.operation import Operation

LIST = Operation(
    "listEmailAliasesOfDomain",
    "GET",
    "/domains/{domainId}/groups",
    sort=("email",),
    filters=("email", "recipient"),
    workbook=True,
)
READ = Operation("listTargetedAddressesOfAlias", "GET", "/domains/{domainId}/groups/{groupId}")
CREATE = Operation("createEmailAlias", "POST", "/domains/{domainId}/groups")
EDIT = Operation("editEmailAlias", "PATCH", "/domains/{domainId}/groups/{groupId}")
DELETE = Operation("deleteEmailAlias", "DELETE", "/groups/{groupId}")

ADD_RECIPIENTS = Operation("addAddressesToEmailAlias", "POST", "/domains/{domainId}/groups/{groupId}/addresses")
DELETE_RECIPIENT = Operation(
    "deleteEmailAliasRecipient",
    "DELETE",
    "/domains/{domainId}/groups/{groupId}/addresses/{addressId}",
)
