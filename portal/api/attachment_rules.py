"""Rules on attached files (FilteringRulesOnAttachments, 5.8)."""

from portal.api.operation import Operation

LIST = Operation(
    "getDomainAttachmentFilters",
    "GET",
    "/domains/{domainId}/filters/attachments",
    sort=("action",),
    filters=("action",),
    workbook=True,
)
ADD = Operation("addAttachmentFilterToDomain", "POST", "/domains/{domainId}/filters/attachments")
EDIT = Operation("editAttachmentFilter", "PATCH", "/filters/attachments/{attachmentId}")
DELETE = Operation("deleteAttachmentFilter", "DELETE", "/filters/attachments/{attachmentId}")
