"""Rules of domains on files and on links (openapi.yaml, tags FilteringRulesOnAttachments and FilteringRulesOnURI)."""

from typing import Annotated, Any, Literal, TypeVar

from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from sandbox import answers
from sandbox.answers import Id, Refusal, Shape, Text, given, millis
from sandbox.auth import Caller, domain_for, require
from sandbox.models import AttachmentRule, Domain, UriRule

Rule = AttachmentRule | UriRule
AnyRule = TypeVar("AnyRule", AttachmentRule, UriRule)
Pattern = Annotated[str, Meta(min_length=1, max_length=1000)]
FileAction = Literal["ALLOW", "DENY", "allow", "deny"]
Check = Literal[
    "FILENAME", "CONTENTTYPE", "ARCHIVE_CONTENTTYPE", "ARCHIVE_FILENAME",
    "filename", "contenttype", "archive_contenttype", "archive_filename",
    "archive-contenttype", "archive-filename",  # as the document spells them (r:6263)
]
UriAction = Literal[
    "URIDNSBL_SKIP_DOMAIN", "WHITELIST_URI_HOST", "BLACKLIST_URI_HOST",
    "uridnsbl_skip_domain", "whitelist_uri_host", "blacklist_uri_host",
]
SORT = {
    "id": "pk", "action": "action", "filter": "filter", "priority": "priority", "createdDate": "created_date",
    "description": "description",
}
COLUMNS = ("id", "action", "filter", "scope", "priority", "createdDate", "description")  # of a workbook
FILTERS = {"action": answers.text("action")}


class FilterAttachmentPatch(Shape):
    """What a rule on files takes. Id, scope, rank and date are the gateway's to set: they may come back, and mean nothing."""

    id: Id | UnsetType | None = UNSET
    scope: str | UnsetType | None = UNSET
    priority: int | UnsetType | None = UNSET
    created_date: int | UnsetType | None = UNSET
    action: FileAction | UnsetType = UNSET
    check_type: Check | UnsetType = UNSET
    filter: Pattern | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


class FilterUriBlPatch(Shape):
    action: UriAction | UnsetType = UNSET
    filter: Pattern | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


def get_domain_attachment_filters(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponseBase:
    """getDomainAttachmentFilters"""
    rows = domain_for(caller, domain_id, "RULE_VIEW").attachment_rules.select_related("domain")
    sort = {**SORT, "checkType": "check_type"}
    return answers.listing(
        request, rows, attachment_json, sort=sort, default="action", filters=FILTERS,
        sheet="attachment-rules", columns=(*COLUMNS, "checkType"),
    )


def get_domain_uri_bl_filters(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponseBase:
    """getDomainUriBlFilters"""
    rows = domain_for(caller, domain_id, "RULE_VIEW").uri_rules.select_related("domain")
    return answers.listing(
        request, rows, uri_json, sort=SORT, default="action", filters=FILTERS, sheet="uri-rules", columns=COLUMNS,
    )


@transaction.atomic(using="sandbox")
def add_attachment_filter_to_domain(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """addAttachmentFilterToDomain"""
    domain = domain_for(caller, domain_id, "RULE_EDIT")
    rule = add(AttachmentRule(domain=domain), answers.sent(request, FilterAttachmentPatch), "action", "check_type", "filter")
    location = {"Location": f"/domains/{domain_id}/filters/attachments"}
    return answers.json(attachment_json(rule), status=201, headers=location)


@transaction.atomic(using="sandbox")
def add_uri_bl_filter_to_domain(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """addUriBlFilterToDomain"""
    domain = domain_for(caller, domain_id, "RULE_EDIT")
    rule = add(UriRule(domain=domain), answers.sent(request, FilterUriBlPatch), "action", "filter")
    return answers.json(uri_json(rule), status=201, headers={"Location": f"/domains/{domain_id}/filters/uris"})


@transaction.atomic(using="sandbox")
def edit_attachment_filter(request: HttpRequest, caller: Caller, filter_id: str) -> HttpResponse:
    """editAttachmentFilter"""
    return edit(rule_for(caller, AttachmentRule, filter_id), answers.sent(request, FilterAttachmentPatch))


@transaction.atomic(using="sandbox")
def edit_uri_bl_filter(request: HttpRequest, caller: Caller, filter_id: str) -> HttpResponse:
    """editUriBlFilter"""
    return edit(rule_for(caller, UriRule, filter_id), answers.sent(request, FilterUriBlPatch))


@transaction.atomic(using="sandbox")
def delete_attachment_filter(request: HttpRequest, caller: Caller, filter_id: str) -> HttpResponse:
    """deleteAttachmentFilter"""
    rule_for(caller, AttachmentRule, filter_id).delete()
    return answers.no_content()


@transaction.atomic(using="sandbox")
def delete_uri_bl_filter(request: HttpRequest, caller: Caller, filter_id: str) -> HttpResponse:
    """deleteUriBlFilter"""
    rule_for(caller, UriRule, filter_id).delete()
    return answers.no_content()


def rule_for(caller: Caller, model: type[AttachmentRule] | type[UriRule], uid: str) -> Rule:
    """The rule, for somebody who may change the rules of its domain."""
    rule = model.objects.select_related("domain__customer").filter(pk=model.key(uid)).first()
    if rule is None or not caller.on(rule.domain):
        raise Refusal(404, "No filter found with given id.")
    require(caller.on(rule.domain), "RULE_EDIT")
    return rule


def add(rule: AnyRule, body: Shape, *needed: str) -> AnyRule:
    if missing := [name for name in needed if getattr(body, name) is UNSET]:
        raise Refusal(400, f"Required: {', '.join(missing)}.", dict.fromkeys(missing, "required"))
    write(rule, body)
    if twin(rule):
        raise Refusal(409, "This item may already exist with the same rules.", {"filter": "already there"})
    rule.priority = (type(rule).objects.filter(domain=rule.domain).aggregate(last=Max("priority"))["last"] or 0) + 1
    rule.created_date = timezone.now()
    rule.save()
    return rule


def edit(rule: Rule, body: Shape) -> HttpResponse:
    write(rule, body)
    if twin(rule):
        raise Refusal(400, "This item may already exist with the same rules.", {"filter": "already there"})
    rule.save()
    return answers.no_content()


def write(rule: Rule, body: Shape) -> None:
    """Change what was sent. The case of an enumeration does not count (conventions.md, gap 13)."""
    for name, value in given(body).items():
        if name in ("action", "check_type"):
            setattr(rule, name, value.upper().replace("-", "_"))
        elif name in ("filter", "description"):
            setattr(rule, name, value)


def twin(rule: Rule) -> bool:
    same = {"domain": rule.domain, "action": rule.action, "filter": rule.filter}
    if isinstance(rule, AttachmentRule):
        same["check_type"] = rule.check_type
    return type(rule).objects.filter(**same).exclude(pk=rule.pk).exists()


def rule_json(rule: Rule, domain: Domain) -> dict[str, Any]:
    found = {
        "id": rule.uid, "action": rule.action, "filter": rule.filter, "scope": domain.name, "priority": rule.priority,
        "createdDate": millis(rule.created_date),
    }
    return found if rule.description is None else {**found, "description": rule.description}  # never null, says the contract


def attachment_json(rule: AttachmentRule) -> dict[str, Any]:
    """FilterAttachment"""
    return {**rule_json(rule, rule.domain), "checkType": rule.check_type}


def uri_json(rule: UriRule) -> dict[str, Any]:
    """FilterUriBl"""
    return rule_json(rule, rule.domain)
