"""Sender rules of domains and of mailboxes (openapi.yaml, tag FilteringRulesOnSenders).

Both owners have the same operations, so each is written once, for whoever owns the rules. All writes of a request happen
or none.
"""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from sandbox import answers
from sandbox.answers import Refusal, maybe_millis, millis, moment
from sandbox.auth import Caller, domain_for, user_for
from sandbox.models import Domain, SenderRule, User
from sandbox.names import sender_of

Owner = Domain | User

SORT = {
    "owner": "pk",  # all rules of a list have the same owner
    "id": "pk", "value": "value", "type": "type", "createdDate": "created_date", "expireAt": "expire_at",
}
AT_ONCE = 500  # values that one question to the database may have
FIELDS = {"value", "type", "expireAt", "description", "spfOn"}
FILTERS = {"type": answers.text("type"), "value": answers.text("value", lower_case=True)}


def get_domain_filter_rules(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponseBase:
    """getDomainFilterRules"""
    return rules(request, domain_for(caller, domain_id, "RULE_VIEW"), default="owner")


def get_user_filter_rules(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponseBase:
    """getUserFilterRules"""
    return rules(request, user_for(caller, user_id, "RULE_VIEW"), default="id")


def rules(request: HttpRequest, owner: Owner, *, default: str) -> HttpResponseBase:
    rows = owner.sender_rules.all()
    return answers.listing(
        request, rows, lambda rule: rule_json(rule, str(owner)),
        sort=SORT, default=default, filters=FILTERS,
        sheet="sender-rules", columns=("id", "value", "owner", "type", "createdDate", "expireAt", "description", "spfOn"),
    )


@transaction.atomic(using="sandbox")
def add_domain_rule(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """addDomainRule"""
    made = add(domain_for(caller, domain_id, "RULE_EDIT"), items(request))
    return answers.json(made, status=201, headers={"Location": f"/domains/{domain_id}/wblist"})


@transaction.atomic(using="sandbox")
def add_mailbox_rule(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """addMailboxRule"""
    made = add(user_for(caller, user_id, "RULE_EDIT"), items(request))
    return answers.json(made, status=201, headers={"Location": f"/users/{user_id}/wblist"})


@transaction.atomic(using="sandbox")
def set_domain_rules(request: HttpRequest, caller: Caller, domain_id: str) -> HttpResponse:
    """setDomainRules"""
    return replace_all(request, domain_for(caller, domain_id, "RULE_EDIT"))


@transaction.atomic(using="sandbox")
def set_mailbox_rules(request: HttpRequest, caller: Caller, user_id: str) -> HttpResponse:
    """setMailboxRules"""
    return replace_all(request, user_for(caller, user_id, "RULE_EDIT"))


@transaction.atomic(using="sandbox")
def update_domain_rule(request: HttpRequest, caller: Caller, domain_id: str, rule_id: str) -> HttpResponse:
    """updateDomainRule"""
    return update(request, domain_for(caller, domain_id, "RULE_EDIT"), rule_id)


@transaction.atomic(using="sandbox")
def update_mailbox_rule(request: HttpRequest, caller: Caller, user_id: str, rule_id: str) -> HttpResponse:
    """updateMailboxRule"""
    return update(request, user_for(caller, user_id, "RULE_EDIT"), rule_id)


@transaction.atomic(using="sandbox")
def delete_domain_rule(request: HttpRequest, caller: Caller, domain_id: str, rule_id: str) -> HttpResponse:
    """deleteDomainRule"""
    rule_of(domain_for(caller, domain_id, "RULE_EDIT"), rule_id).delete()
    return answers.no_content()


@transaction.atomic(using="sandbox")
def delete_mailbox_rule(request: HttpRequest, caller: Caller, user_id: str, rule_id: str) -> HttpResponse:
    """deleteMailboxRule"""
    rule_of(user_for(caller, user_id, "RULE_EDIT"), rule_id).delete()
    return answers.no_content()


@transaction.atomic(using="sandbox")
def add_entries(request: HttpRequest, caller: Caller) -> HttpResponse:
    """addEntries: each rule names its owner, a domain or a mailbox."""
    made = []
    for place, item in enumerate(items(request), start=1):
        owner = owner_named(caller, item.pop("owner", None) if isinstance(item, dict) else None, place)
        made += add(owner, [item], place)
    return answers.json(made, status=201)


def add(owner: Owner, new: list[Any], first: int = 1) -> list[dict[str, Any]]:
    """Make the rules of a request; 409 where one is there already, or comes twice. `first` is the number of the first."""
    wanted = [columns(item, place) for place, item in enumerate(new, start=first)]
    there = alike(owner.sender_rules.all(), wanted)
    for one in wanted:
        if (one["value"], one["type"]) in there:
            raise twin(one)
        there.add((one["value"], one["type"]))
    whose = {"user": owner} if isinstance(owner, User) else {"domain": owner}
    made = SenderRule.objects.bulk_create(SenderRule(created_date=timezone.now(), **whose, **one) for one in wanted)
    return [rule_json(rule, str(owner)) for rule in made]


def alike(rules: QuerySet[SenderRule], wanted: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Value and type of those that are there already. A rule whose time is over makes room for the new one."""
    there, over = set(), []
    kinds = {(one["value"], one["type"]) for one in wanted}
    for at in range(0, len(wanted), AT_ONCE):
        for rule in rules.filter(value__in=[one["value"] for one in wanted[at:at + AT_ONCE]]):
            if (rule.value, rule.type) not in kinds:
                continue
            if rule.expire_at and rule.expire_at <= timezone.now():
                over.append(rule.pk)
            else:
                there.add((rule.value, rule.type))
    SenderRule.objects.filter(pk__in=over).delete()
    return there


def replace_all(request: HttpRequest, owner: Owner) -> HttpResponse:
    new = items(request)
    owner.sender_rules.all().delete()
    return answers.json(add(owner, new))


def update(request: HttpRequest, owner: Owner, rule_id: str) -> HttpResponse:
    """The rule as sent; what the body leaves out is gone, the day it was made stays."""
    rule = rule_of(owner, rule_id)
    wanted = columns(answers.body(request), 1)
    if alike(owner.sender_rules.exclude(pk=rule.pk), [wanted]):
        raise twin(wanted)
    for name, value in wanted.items():
        setattr(rule, name, value)
    rule.save()
    return answers.json(rule_json(rule, str(owner)))


def items(request: HttpRequest) -> list[Any]:
    """The rules in a request's body."""
    found = answers.body(request)
    if not isinstance(found, list):
        raise Refusal(400, "The body must be an array of rules.")
    return found


def columns(item: Any, place: int) -> dict[str, Any]:
    """One rule of a request, checked: 422 says which rule, and what is wrong with each of its fields."""
    if not isinstance(item, dict):
        raise Refusal(422, f"Rule {place} is not an object.")
    if unknown := sorted(item.keys() - FIELDS):
        raise Refusal(400, f"Rule {place} has unknown fields: {', '.join(unknown)}.", dict.fromkeys(unknown, "unknown"))
    value, kind, end, spf_on = (item.get(name) for name in ("value", "type", "expireAt", "spfOn"))
    wrong = {}
    sender = sender_of(value)
    if sender is None:
        wrong["value"] = "neither an address nor a domain"
    if kind not in SenderRule.Type.values:
        wrong["type"] = f"must be one of {', '.join(SenderRule.Type.values)}"
    if kind == SenderRule.Type.ALLOW and not isinstance(spf_on, bool):
        wrong["spfOn"] = "must be true or false on a rule of type ALLOW"
    if not isinstance(item.get("description"), str | None):
        wrong["description"] = "not a text"
    expire_at = None
    if end is not None:
        expire_at = moment(end)
        if expire_at is None:
            wrong["expireAt"] = "not a date in milliseconds"
        elif expire_at <= timezone.now():
            wrong["expireAt"] = "in the past"
    if wrong:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in wrong.items())
        raise Refusal(422, f"Rule {place} is not valid. {reasons}.", wrong)
    return {
        "value": sender,
        "type": kind,
        "expire_at": expire_at,
        "description": item.get("description"),
        "spf_on": spf_on if kind == SenderRule.Type.ALLOW else None,
    }


def twin(wanted: dict[str, Any]) -> Refusal:
    """409: the owner has a rule of the same type on the same sender."""
    message = f"A rule of type {wanted['type']} on {wanted['value']} is there already."
    return Refusal(409, message, {"value": "already has this rule"})


def rule_of(owner: Owner, rule_id: str) -> SenderRule:
    rule = owner.sender_rules.filter(pk=SenderRule.key(rule_id)).first()
    if rule is None:
        raise Refusal(404, "The rule may not exist.")
    return rule


def owner_named(caller: Caller, name: Any, place: int) -> Owner:
    """The domain or mailbox of this name; 422 where the caller sees none, since addEntries documents no 404."""
    name = name.lower() if isinstance(name, str) else ""
    domain = Domain.objects.filter(name=name).first()
    try:
        if domain:
            return domain_for(caller, domain.uid, "RULE_EDIT")
        return user_for(caller, name, "RULE_EDIT", or_email=True)
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        raise Refusal(422, f"Rule {place} is not valid. owner: no such domain or mailbox.", {"owner": "no such owner"}) from None


def rule_json(rule: SenderRule, owner: str) -> dict[str, Any]:
    """FilterSender"""
    return {
        "id": rule.uid,
        "value": rule.value,
        "owner": owner,
        "type": rule.type,
        "createdDate": millis(rule.created_date),
        "expireAt": maybe_millis(rule.expire_at),
        "description": rule.description,
        "spfOn": rule.spf_on,
    }
