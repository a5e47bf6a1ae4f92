"""Groups, which the API calls e-mail aliases: addresses that distribute to others (openapi.yaml, tag UsersAliases)."""

from collections.abc import Iterable
from typing import Annotated, Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from msgspec import UNSET, Meta, UnsetType

from sandbox import answers
from sandbox.answers import Name, Refusal, Shape
from sandbox.auth import Caller, domain_for, require
from sandbox.models import Domain, DomainAlias, EmailAlias, EmailAliasRecipient, User
from sandbox.names import address_of

Addresses = Annotated[list[str], Meta(max_length=10_000)]
RECIPIENT = answers.text("email", lower_case=True)
FILTERS = {
    "email": answers.text("email", lower_case=True),
    "recipient": lambda text: Q(pk__in=EmailAliasRecipient.objects.filter(RECIPIENT(text)).values("group")),
    "address": lambda _: Q(),  # deprecated: the contract's own example sends it, and gets everything back
}


class EmailAliasPatch(Shape):
    email: Name | UnsetType = UNSET
    recipients: Addresses | UnsetType = UNSET


def list_email_aliases_of_domain(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponseBase:
    """listEmailAliasesOfDomain: without the names of the recipients, which a single read has (conventions.md, gap 29)."""
    domain = domain_for(caller, domain_id, "USER_VIEW")
    rows = domain.groups.prefetch_related("recipients")
    return answers.listing(
        request, rows, lambda row: group_json(row, domain), sort={"id": "pk", "email": "email"}, default="email", filters=FILTERS,
        sheet="groups", columns=("id", "email", "recipients"),
    )


def list_targeted_addresses_of_alias(request: HttpRequest, caller: Caller, domain_id: str, group_id: str) -> HttpResponse:
    """listTargetedAddressesOfAlias"""
    domain = domain_for(caller, domain_id, "USER_VIEW")
    return answers.json(group_json(group_of(domain, group_id), domain, names=True))


@transaction.atomic(using="sandbox")
def create_email_alias(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """createEmailAlias"""
    domain = domain_for(caller, domain_id, "USER_EDIT")
    body = answers.sent(request, EmailAliasPatch)
    if not isinstance(body.email, str):
        raise Refusal(400, "email is required.", {"email": "required"})
    if domain.status == Domain.Status.DELETED:
        raise Refusal(422, "The domain is deleted.", {"email": "its domain is deleted"})
    group = EmailAlias(domain=domain, email=own_address(domain, body.email))
    if taken(group.email):
        raise Refusal(409, "A user or an email alias may already exist with the given address.", {"email": "already there"})
    group.save()
    if isinstance(body.recipients, list):
        add(group, body.recipients, 422)
    location = {"Location": f"/domains/{domain_id}/groups/{group.uid}"}
    return answers.json(group_json(group, domain), status=201, headers=location)


@transaction.atomic(using="sandbox")
def edit_email_alias(request: HttpRequest, caller: Caller, domain_id: str, group_id: str) -> HttpResponse:
    """editEmailAlias: the address, and all of the recipients."""
    domain = domain_for(caller, domain_id, "USER_EDIT")
    group = group_of(domain, group_id)
    body = answers.sent(request, EmailAliasPatch)
    if isinstance(body.email, str):
        email = own_address(domain, body.email)
        if email != group.email and taken(email):
            raise Refusal(400, "A user or an email alias may already exist with the given address.", {"email": "already there"})
        # Groups of the domain go on to distribute to this one.
        EmailAliasRecipient.objects.filter(group__domain=domain, email=group.email).update(email=email)
        group.email = email
        group.save()
        refuse_loop(group, 400)
    if isinstance(body.recipients, list):
        group.recipients.all().delete()
        add(group, body.recipients, 400)
    return answers.no_content()


@transaction.atomic(using="sandbox")
def add_addresses_to_email_alias(request: HttpRequest, caller: Caller, domain_id: str, group_id: str) -> HttpResponse:
    """addAddressesToEmailAlias: one that is there already stays as it is."""
    domain = domain_for(caller, domain_id, "USER_EDIT")
    group = group_of(domain, group_id)
    add(group, answers.sent(request, Addresses), 400)
    return answers.json(group_json(group, domain), status=201)


@transaction.atomic(using="sandbox")
def delete_email_alias_recipient(
    request: HttpRequest, caller: Caller, domain_id: str, group_id: str, address_id: str,
) -> HttpResponse:
    """deleteEmailAliasRecipient"""
    group = group_of(domain_for(caller, domain_id, "USER_EDIT"), group_id)
    if not group.recipients.filter(pk=EmailAliasRecipient.key(address_id)).delete()[0]:
        raise Refusal(404, "The alias may not have this recipient.")
    return answers.no_content()


@transaction.atomic(using="sandbox")
def delete_email_alias(request: HttpRequest, caller: Caller, group_id: str) -> HttpResponse:
    """deleteEmailAlias: other groups of the domain forget it."""
    group = EmailAlias.objects.select_related("domain__customer").filter(pk=EmailAlias.key(group_id)).first()
    if group is None or not caller.on(group.domain):
        raise Refusal(404, "The domain or the alias may not exist.")
    require(caller.on(group.domain), "USER_EDIT")
    forget(group.domain, group.email)
    group.delete()
    return answers.no_content()


def group_of(domain: Domain, uid: str) -> EmailAlias:
    found = domain.groups.filter(pk=EmailAlias.key(uid)).first()
    if found is None:
        raise Refusal(404, "The domain or the alias may not exist.")
    return found


def own_address(domain: Domain, text: str) -> str:
    """An address of the domain; 400 for any other."""
    email = address_of(text)
    if email is None or email.rpartition("@")[2] != domain.name:
        raise Refusal(400, f"Not an address of {domain.name}.", {"email": "not an address of the domain"})
    return email


def taken(email: str) -> bool:
    """Has a user or a group this address?"""
    return User.objects.filter(email=email).exists() or EmailAlias.objects.filter(email=email).exists()


def forget(domain: Domain, email: str) -> None:
    """An address of the domain is gone: no group of it distributes to it any more."""
    EmailAliasRecipient.objects.filter(group__domain=domain, email=email).delete()


def add(group: EmailAlias, addresses: list[str], status: int) -> None:
    """Add recipients; `status` is what this operation answers where they are none, or would lead back to the group."""
    found = {text: address_of(text) for text in addresses}
    if wrong := [text for text, email in found.items() if email is None]:
        raise Refusal(400, f"Not an address: {wrong[0][:320]}.", {"recipients": "not an address"})
    there = set(group.recipients.values_list("email", flat=True))
    wanted = dict.fromkeys(email for email in found.values() if email and email not in there)
    EmailAliasRecipient.objects.bulk_create(EmailAliasRecipient(group=group, email=email) for email in wanted)
    refuse_loop(group, status)


def refuse_loop(group: EmailAlias, status: int) -> None:
    """Mail to the group must not come back to it, by whatever way: other names of domains, and groups made later, too."""
    seen: set[str] = set()
    step = {group.email}
    while step:
        seen |= step
        step = canonical(EmailAliasRecipient.objects.filter(group__email__in=step).values_list("email", flat=True))
        if group.email in step:
            raise Refusal(status, f"Mail to {group.email} would come back to it.", {"recipients": "leads back to the group"})
        step -= seen


def canonical(emails: Iterable[str]) -> set[str]:
    """Addresses under the first name of their domain."""
    parts = [email.rpartition("@") for email in emails]
    rows = DomainAlias.objects.filter(name__in={name for _, _, name in parts})
    names = dict(rows.values_list("name", "domain__name"))
    return {f"{local}@{names.get(name, name)}" for local, _, name in parts}


def group_json(group: EmailAlias, domain: Domain, *, names: bool = False) -> dict[str, Any]:
    """EmailAlias. A recipient is a user or a group only of the same domain: of others, nobody learns what they have."""
    rows = sorted(group.recipients.all(), key=lambda row: row.pk)
    emails = [row.email for row in rows]
    users = {user.email: user for user in User.objects.filter(domain=domain, email__in=emails)}
    groups = set(EmailAlias.objects.filter(domain=domain, email__in=emails).values_list("email", flat=True))
    return {
        "id": group.uid,
        "email": group.email,
        "recipients": [
            {
                "id": row.uid,
                "email": row.email,
                "firstname": users[row.email].firstname if names and row.email in users else None,
                "lastname": users[row.email].lastname if names and row.email in users else None,
                "type": "USER" if row.email in users else "ALIAS" if row.email in groups else "EXTERNAL_ADDRESS",
            }
            for row in rows
        ],
    }
