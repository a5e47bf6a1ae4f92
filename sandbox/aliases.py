"""Other names of domains (openapi.yaml, tag DomainAliases)."""

from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from msgspec import Meta

from sandbox import answers
from sandbox.answers import Refusal
from sandbox.auth import Caller, domain_for
from sandbox.groups import refuse_loop
from sandbox.models import Domain, DomainAlias, EmailAlias
from sandbox.names import domain_of

Names = Annotated[list[str], Meta(max_length=1000)]


def list_domain_aliases(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponseBase:
    """listDomainAliases"""
    rows = DomainAlias.objects.filter(domain=domain_for(caller, domain_id, "DOMAIN_VIEW"))
    return answers.listing(request, rows, alias_json, sort={"id": "pk", "name": "name"}, default="name")


@transaction.atomic(using="sandbox")
def add_domain_alias(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """addDomainAlias"""
    domain = domain_for(caller, domain_id, "DOMAIN_EDIT")
    made = add(domain, answers.sent(request, Names))
    return answers.json([alias_json(row) for row in made], status=201, headers={"Location": f"/domains/{domain_id}/aliases"})


@transaction.atomic(using="sandbox")
def edit_domain_aliases(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """editDomainAliases: all of them become these. One that stays keeps its id."""
    domain = domain_for(caller, domain_id, "DOMAIN_EDIT")
    wanted = answers.sent(request, Names)
    kept = {checked(name) for name in wanted}
    domain.aliases.exclude(name__in=kept).delete()
    there = set(domain.aliases.values_list("name", flat=True))
    add(domain, [name for name in wanted if checked(name) not in there])
    return answers.no_content()


@transaction.atomic(using="sandbox")
def delete_domain_alias(request: HttpRequest, caller: Caller, domain_id: str, alias_id: str) -> HttpResponse:
    """deleteDomainAlias"""
    domain = domain_for(caller, domain_id, "DOMAIN_EDIT")
    if not domain.aliases.filter(pk=DomainAlias.key(alias_id)).delete()[0]:
        raise Refusal(404, "The alias may not exist.")
    return answers.no_content()


def add(domain: Domain, names: list[str]) -> list[DomainAlias]:
    made = []
    for name in names:
        refuse_taken(checked(name))
        made.append(domain.aliases.create(name=checked(name)))
        for group in EmailAlias.objects.filter(recipients__email__endswith=f"@{made[-1].name}").distinct():
            refuse_loop(group, 409)
    return made


def checked(name: str) -> str:
    found = domain_of(name)
    if found is None:
        raise Refusal(400, f"Not a domain name: {name[:255]}.", {"name": "not a domain name"})
    return found


def refuse_taken(name: str) -> None:
    """409 where a domain has this name already, as its first or as another one. Whose it is, nobody is told."""
    if Domain.objects.filter(name=name).exists() or DomainAlias.objects.filter(name=name).exists():
        raise Refusal(409, f"An alias or a domain may already exist with the name {name}.", {"name": "already there"})


def alias_json(alias: DomainAlias) -> dict[str, Any]:
    """Alias"""
    return {"id": alias.uid, "name": alias.name}
