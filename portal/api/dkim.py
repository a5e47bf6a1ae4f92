"""DKIM keys of a domain (DomainsDKIM, 5.6). A domain without keys answers READ with 404."""

from portal.api.operation import Operation
from portal.api.rights import Needs

Lines = list[str | list[str]]  # records: the contract declares lists of lists and shows a flat one

READ = Operation("getDkim", "GET", "/domains/{domainId}/dkim")
CREATE = Operation("addDkim", "POST", "/domains/{domainId}/dkim", needs=Needs.SYSADMIN, secret=("privateKey",))
REPLACE = Operation("updateDomainDkim", "PUT", "/domains/{domainId}/dkim", needs=Needs.SYSADMIN, secret=("privateKey",))
DELETE = Operation("deleteDomainDkim", "DELETE", "/domains/{domainId}/dkim", needs=Needs.SYSADMIN)
