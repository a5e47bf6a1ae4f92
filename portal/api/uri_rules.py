"""Rules on the hosts that links point to (FilteringRulesOnURI, 5.10)."""

from portal.api.operation import Operation

LIST = Operation(
    "getDomainUriBlFilters",
    "GET",
    "/domains/{domainId}/filters/uris",
    sort=("action",),
    filters=("action",),
    workbook=True,
)
ADD = Operation("addUriBlFilterToDomain", "POST", "/domains/{domainId}/filters/uris")
EDIT = Operation("editUriBlFilter", "PATCH", "/filters/uris/{uriId}")
DELETE = Operation("deleteUriBlFilter", "DELETE", "/filters/uris/{uriId}")
