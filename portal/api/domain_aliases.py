"""Other names of a domain (DomainAliases, 5.3). Their record is `domains.Alias`."""

from portal.api.operation import Operation

LIST = Operation("listDomainAliases", "GET", "/domains/{domainId}/aliases", sort=("name",))
ADD = Operation("addDomainAlias", "POST", "/domains/{domainId}/aliases")
REPLACE = Operation("editDomainAliases", "PUT", "/domains/{domainId}/aliases")
DELETE = Operation("deleteDomainAlias", "DELETE", "/domains/{domainId}/aliases/{aliasId}")
