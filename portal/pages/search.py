"""One box that finds users and domains by whatever is pasted into it (portal.meaning.terms reads it)."""

import re
from typing import Any, TypeAlias

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.api import client, domains, users
from portal.api.errors import ApiError, NotAllowed
from portal.meaning import terms
from portal.meaning.names import readable
from portal.meaning.terms import Term
from portal.ui.known import LOOKED_AT
from portal.ui.pages import PortalRequest, part_of, together

SHOWN, FOUND = 6, 40
SIMILAR = 6
Users: TypeAlias = client.Page[users.User]
Domains: TypeAlias = client.Page[domains.Domain]


@require_safe
def search(request: PortalRequest) -> HttpResponse:
    """A page of results, which asks further where two calls find nothing; the only user found is opened at once."""
    term = terms.read(request.GET.get("q", ""))
    context: dict[str, Any] = {"q": request.GET.get("q", ""), "part": term.text, "term": term}
    if not term.text:
        return render(request, "search/results.html", context)
    found_users, found_domains = _find(request, term, FOUND, None, context)
    people, names = _rows(found_users), _rows(found_domains)
    if isinstance(found_users, ApiError) or isinstance(found_domains, ApiError):
        return render(request, "search/results.html", context)
    only = [one for one in people if (one.email or "").lower() == term.address]
    if not only and (found_users.total, len(people)) == (1, 1):
        begins = (people[0].email or "").lower().startswith(term.address)  # a.keller@… is not anna.keller@…
        only = people if (begins if term.address else not names) else []
    if not people and (term.address or not names):
        only = _further(request, term, names, context)
    if len(only) == 1 and len(term.addresses) < 2 and only[0].id not in (None, ""):
        return HttpResponseRedirect(reverse("user-hub", args=(only[0].id,)))
    return render(request, "search/results.html", context)


@require_safe
@part_of("search")
def suggestions(request: PortalRequest) -> HttpResponse:
    """What the search box offers while one types."""
    term = terms.read(request.GET.get("q", ""))
    context: dict[str, Any] = {"q": request.GET.get("q", ""), "part": term.text, "term": term}
    if term.text:
        _find(request, term, SHOWN, 2, context)
    return render(request, "search/_suggestions.html", context)


def _find(
    request: PortalRequest, term: Term, size: int, most: int | None, context: dict[str, Any]
) -> tuple[Users | ApiError, Domains | ApiError | None]:
    """The users and the domains, by two calls side by side, since the API takes one filter a request. Adds to the context.

    Of several addresses, `most` are asked for.
    """
    if len(term.addresses) > 1:
        found_users, found_domains = _each(request, term.addresses[:most], context), None
    else:
        found_users, found_domains = together(
            lambda: _users(request, f"*{term.users}*", size),
            lambda: _domains(request, size, name=f"{term.domains}*" if term.address else f"*{term.domains}*"),
        )
    for name, found in (("users", found_users), ("domains", found_domains)):
        context[f"{name}_error" if isinstance(found, ApiError) else name] = found
    context["domains_first"] = not term.address and any(_begins(term, row) for row in _rows(found_domains))
    return found_users, found_domains


def _each(request: PortalRequest, addresses: tuple[str, ...], context: dict[str, Any]) -> Users | ApiError:
    """Several addresses at once, each by a call of its own; `missing` are those that nobody has."""
    answers = together(*(lambda one=one: _users(request, one, 1) for one in addresses))  # type: ignore[misc]
    context["missing"] = [one for one, answer in zip(addresses, answers, strict=True) if not _rows(answer)]
    failed = [answer for answer in answers if isinstance(answer, ApiError)]
    rows = [row for answer in answers for row in _rows(answer)]
    return failed[0] if failed else client.Page(rows, len(rows))


def _further(request: PortalRequest, term: Term, names: list[domains.Domain], context: dict[str, Any]) -> list[users.User]:
    """What else may be meant, all at once: other spellings, an external id, and what the first domains show.

    Adds to the context, and answers with the one user who is surely meant, where there is one.
    """
    patterns = terms.user_patterns(term)
    asked = [] if term.address else [{"externalId": one} for one in terms.ids(term)]
    asked += [{"name": one} for one in terms.parents(term)]
    known, *answers = together(
        lambda: _domains(request, LOOKED_AT),
        *(lambda one=one: _domains(request, FOUND, **one) for one in asked),  # type: ignore[misc]
        *(lambda one=one: _users(request, one, LOOKED_AT) for one in patterns),  # type: ignore[misc]
    )
    spelt = answers[len(asked) :]
    also = {str(row.id): (row, _meant(term, row)) for answer in answers[: len(asked)] for row in _rows(answer)}
    for row in _rows(known):
        if why := _meant(term, row):
            also.setdefault(str(row.id), (row, why))
    already = {str(row.id) for row in names}
    homes = {(row.name or "").lower() for row, _why in also.values()}
    everybody = {str(one.id): one for answer in spelt for one in _rows(answer)}.values()
    weighed = sorted(((_weight(term, one, homes), one) for one in everybody), key=lambda pair: -pair[0])
    sure = [one for weight, one in weighed if weight == 1]
    failed = [answer for answer in (known, *answers) if isinstance(answer, ApiError) and not isinstance(answer, NotAllowed)]
    context |= {
        "asked_further": True,
        "tried": [one.replace("*", "…") for one in patterns],
        "sure": sure[:FOUND],
        "similar": [one for weight, one in weighed if 0.5 <= weight < 1][:SIMILAR],
        "also": [found for id, found in also.items() if id not in already][:FOUND],
        "looked_at": len(_rows(known)),
        "all_domains": known.total if isinstance(known, client.Page) else 0,
        "failed_further": bool(failed),
    }
    cut = any(answer.total > len(answer.rows) for answer in spelt if isinstance(answer, client.Page))
    return sure if not failed and (term.address or not (also or cut or names)) else []


def _weight(term: Term, one: users.User, homes: set[str]) -> float:
    """How surely a user is meant, from 0 to 1. `homes` are the domains that the domain of an address may stand for."""
    local, _at, domain = (one.email or "").lower().rpartition("@")
    # "Anna Keller Nordwind": of more than two words, one may be where somebody works.
    named = terms.matched(term, local, one.firstname, one.lastname, domain if len(term.pieces) > 2 else "")
    if not term.address:
        return named
    same = terms.alike(local) == terms.alike(term.address.partition("@")[0].partition("+")[0])
    if same:
        return 1.0 if domain == term.domain else 0.95 if domain in homes else 0.9
    return named * 0.8


def _meant(term: Term, row: domains.Domain) -> str:
    """Why a domain is meant whose name does not say so: an alias, its own letters, its customer or an id; "" where it is not."""
    typed, words = _letters(term.domain if term.address else term.text), re.findall(r"[^\W_]+", term.text)
    for alias in row.domainAliases or ():
        name = (alias.name or "").lower()
        part = not term.address and (term.domains in name or (typed and typed in _letters(readable(name))))
        if name and (name == term.domain or part):
            return _("alias %(name)s") % {"name": readable(name) or name}
    own = _letters(readable(row.name))
    if typed and (typed == own or (typed in own and not term.address)):
        return readable(row.name)
    if term.address:
        return ""
    customer = row.customer.name or "" if row.customer else ""
    if customer and words and all(terms.alike(word) in terms.alike(customer) for word in words):
        return customer
    known = {id.casefold(): id for id in (row.externalId, row.customer and row.customer.externalId) if id}
    found = next((known[one.casefold()] for one in terms.ids(term) if one.casefold() in known), "")
    return _("external id %(id)s") % {"id": found} if found else ""


def _letters(name: str) -> str:
    """A name to be compared by nothing but its letters, in whatever spelling."""
    return re.sub(r"[\W_]+", "", terms.alike(name))


def _begins(term: Term, row: domains.Domain) -> bool:
    """Is what was typed the beginning of a domain's name? Then the domain is more likely meant than its users."""
    return (row.name or "").lower().startswith(term.domains) or readable(row.name).startswith(term.text.casefold())


def _users(request: PortalRequest, pattern: str, size: int) -> Users:
    return request.api.page(users.LIST, users.User, size=size, query={"email": pattern})


def _domains(request: PortalRequest, size: int, **query: str) -> Domains:
    return request.api.page(domains.LIST, domains.Domain, size=size, query=query)


def _rows(answer: Any) -> list[Any]:
    return answer.rows if isinstance(answer, client.Page) else []


urlpatterns = [
    path("search/", search, name="search"),
    path("search/suggestions/", suggestions, name="suggestions"),
]
