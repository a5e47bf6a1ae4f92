"""Domains: the list, and the hub of one domain with its users."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_tables2 import Column

from portal.api import domains, users
from portal.ui.pages import PortalRequest, region
from portal.ui.tables import RemoteTable, remote_table


class DomainTable(RemoteTable):
    row_template, base = "domains/rows.jinja", "domain-list"
    name = Column(_("Domain"), orderable=True)
    status = Column(_("Status"))
    customer = Column(_("Customer"))
    services = Column(_("Services"))
    activeUsersCount = Column(_("Users"))  # noqa: N815 (the API's name)
    policiesCount = Column(_("Policies"))  # noqa: N815 (the API's name)


class DomainUserTable(RemoteTable):
    row_template, base = "users/rows.jinja", "user-list"
    email = Column(_("Address"), orderable=True)
    name = Column(_("Name"))
    status = Column(_("Status"))


@require_safe
def domain_list(request: PortalRequest) -> HttpResponse:
    """All domains the person may see, filtered by a part of the name."""
    part = request.GET.get("name", "").replace("*", "").strip()[:200]
    query = {"name": f"*{part}*"} if part else {}
    table = remote_table(
        request,
        DomainTable,
        lambda offset, size, sort: request.api.page(
            domains.LIST, domains.Domain, offset=offset, size=size, sort=sort, query=query
        ),
        domains.LIST.sort,
    )
    return render(request, "domains/list.html", {"table": table, "part": part})


@require_safe
def domain_hub(request: PortalRequest, domain_id: str) -> HttpResponse:
    """One domain, with its users as a panel that loads by itself."""
    domain = request.api.call(domains.READ, domains.Domain, domainId=domain_id)
    return render(request, "domains/hub.html", {"domain": domain, "domain_id": domain_id})


@require_safe
def domain_users(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The users of a domain: the panel for htmx, a page of its own otherwise."""
    part = request.GET.get("email", "").replace("*", "").strip()[:200]
    query = {"email": f"*{part}*"} if part else {}
    alone = region(request) == "domain-users"
    context: dict[str, Any] = {"domain_id": domain_id, "part": part}
    if not alone:
        context["domain"] = request.api.call(domains.READ, domains.Domain, domainId=domain_id)
    context["table"] = remote_table(
        request,
        DomainUserTable,
        lambda offset, size, sort: request.api.page(
            users.LIST_OF_DOMAIN, users.User, offset=offset, size=size, sort=sort, query=query, domainId=domain_id
        ),
        users.LIST_OF_DOMAIN.sort,
    )
    return render(request, "domains/_users.html" if alone else "domains/hub.html", context)
