"""Signatures under the mail a user writes in the portal (UsersSigns, 5.16)."""

from portal.api.operation import Operation

READ = Operation("getSign", "GET", "/users/{userId}/sign")
SET = Operation("setSign", "PUT", "/users/{userId}/sign")
DELETE = Operation("deleteSign", "DELETE", "/users/{userId}/sign")
