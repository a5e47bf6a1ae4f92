"""Every page of the portal, in front of a gateway that fails in every way it can."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.ui.words import operation_name
from tests.answers import FAILURES, NO_JSON, NOTHING, WRITE_FAILURES, Answer, Failure, failing_to_write, status, well
from tests.conftest import Gateway
from tests.places import ASKING, FRAGMENTS, GETS, GROUPS, OPEN, PARTS, PLACES, RELEASE, WHOLE, WRITING, Place, ids
from tests.shown import find, form, is_part, link, one, source, text

MAIL = "/users/u1/mail/Quarantine/m1/"


def heading(answer: HttpResponse) -> str:
    """The heading of an error: of a whole page, of a panel, or of a toast."""
    first = next(found[0] for place in ("h1", "h2", "strong") if (found := find(answer, place, None)))
    return text(first).removesuffix(".")


def headings(answer: HttpResponse) -> list[str]:
    return [text(found) for found in find(answer, "h1, h2", None)]


def offers_again(answer: HttpResponse) -> list[str | None]:
    """What can be tried again, by its address."""
    return [a.attributes["href"] for a in find(answer, "a[href]", None) if text(a) == "Try again"]


def still_signed_in(somebody: Client, gateway: Gateway) -> bool:
    gateway.answer = well
    return somebody.get("/users/u1/mail/")["Location"].startswith("/users/u1/")


def addresses(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield pattern.name or before + str(pattern.pattern)


def test_no_address_is_forgotten_in_the_table() -> None:
    assert {place.name for place in PLACES} | OPEN == set(addresses(get_resolver().url_patterns))


def test_no_fragment_is_forgotten_in_the_table() -> None:
    called = set()
    for template in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        called |= set(re.findall(r"""hx-(?:get|post)="{{ '([\w-]+)'\|url""", template.read_text()))
    assert called - {"sign-in"} <= {place.name for place in FRAGMENTS}  # its own tests are in test_signed_out.py
    assert len(called) > 5


@pytest.mark.parametrize("place", WHOLE, ids=ids(WHOLE))
def test_a_page_works_while_the_gateway_does(place: Place, somebody: Client, gateway: Gateway) -> None:
    answer = place.open(somebody)
    assert answer.status_code in ((200,) if (place.post is None or place.shows) and place.url != "/users/u1/mail/" else (302,))
    assert bool(gateway.asked) == place.asks


@pytest.mark.parametrize("place", [place for place in GETS if not place.file and not place.made], ids=lambda place: place.id)
def test_what_htmx_does_a_plain_link_or_form_does_too(place: Place, somebody: Client) -> None:
    for node in find(place.open(somebody), "[hx-get], [hx-post]", None):
        form: Any = node
        while form and form.tag != "form":
            form = form.parent
        plain = form or node.attributes.get("href") or node.css("a[href], form")
        # The page of a batch is loaded anew instead, and each row of the list of domains has a link to its health.
        assert plain or node.attributes.get("id") in ("progress", "domain-marks"), node.html


@pytest.mark.parametrize("place", FRAGMENTS, ids=ids(FRAGMENTS))
def test_a_fragment_is_only_a_part_of_a_page(place: Place, somebody: Client) -> None:
    answer = place.open(somebody, fragment=True)
    assert is_part(answer)


@pytest.mark.parametrize("place", PARTS, ids=ids(PARTS))
def test_the_address_of_a_part_leads_to_its_page_when_it_is_opened_by_itself(place: Place, somebody: Client, gateway: Gateway) -> None:
    answer = place.open(somebody)
    assert (answer.status_code, answer["Location"]) == (302, place.part_of)
    assert gateway.asked == []
    assert not is_part(somebody.get(place.part_of))


@pytest.mark.parametrize("place", ASKING, ids=ids(ASKING))
def test_a_whole_page_says_what_is_wrong(place: Place, somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            answer = place.open(somebody)
            if place.file and failure in NO_JSON:  # whatever the bytes of a file are, they are the file
                assert answer.status_code == 200
                continue
            if place.file and failure.id == "connection broken":
                with pytest.raises(httpx.RemoteProtocolError):  # the browser is not told that half a file is all of it
                    answer.getvalue()
                continue
            assert answer.status_code == failure.status
            assert heading(answer) == failure.heading
            shown = text(answer, None)
            assert "Go to home page" in shown
            assert offers_again(answer) == ([place.url] if place.post is None else [])
            if failure.id == "403":
                assert any(operation_name(op) in shown for op in ("getUser", "getEmail", *OPERATIONS))
                assert "RULE_EDIT required" in shown
            if failure.id == "422":
                assert "No <b>wildcards</b> here." in shown
                assert "neither an address nor a domain" in shown
            if failure.id == "429":
                assert "wait 7 seconds" in shown
            assert still_signed_in(somebody, gateway)


OPERATIONS = (
    "listUsers", "listDomains", "getDomain", "listDomainUsers", "getFolders", "getFolderContent", "getSubfolders",
    "listDomainPolicies", "getDomainPolicy", "getUserFilterRules", "getDomainFilterRules", "downloadEmailAttachmentPart", "getAllEmailAttachments",
    "getUserFilterRules", "getDomainFilterRules", "downloadEmailAttachmentPart", "getAllEmailAttachments", "getHealthErrors",
    "getDomainHealth",
)
ASKING_FRAGMENTS = [place for place in FRAGMENTS if place.asks and not place.panels]


@pytest.mark.parametrize("place", ASKING_FRAGMENTS, ids=ids(ASKING_FRAGMENTS))
def test_a_fragment_says_what_is_wrong_in_its_place(
    place: Place, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            answer = place.open(somebody, fragment=True)
            if failure.id == "403" and place.target == "domain-admins":  # not for everybody, and nothing is broken
                assert "Your account cannot see them." in text(answer)
                continue
            assert answer.status_code == failure.status
            assert heading(answer) == failure.heading
            assert is_part(answer, None)
            assert answer["HX-Push-Url"] == "false"
            if place.post is None:
                assert offers_again(answer) == [place.url]
                assert "HX-Retarget" not in answer
            else:
                assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#toasts", "beforeend")
            assert still_signed_in(somebody, gateway)


@pytest.mark.parametrize("place", [place for place in PLACES if not place.asks], ids=lambda place: place.id)
def test_a_page_that_needs_no_gateway_works_without_one(
    place: Place, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            assert place.open(somebody).status_code in (200, 302)
            assert gateway.asked == []


CHANGES = [place for place in WRITING if "/rules/" in place.url]


@pytest.mark.parametrize("fragment", [False, True], ids=["whole", "fragment"])
@pytest.mark.parametrize("place", CHANGES, ids=ids(CHANGES))
def test_a_rule_that_cannot_be_changed_says_why(
    place: Place, fragment: bool, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in WRITE_FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_to_write(failure)
            answer = place.open(somebody, fragment=fragment)
            status, title = failure.written or (failure.status, failure.heading)
            if failure.id in ("409", "412", "422", "400 without a body") and not fragment:  # the form again, and why
                assert (answer.status_code, heading(answer)) == (status, "Allowed sender")
                assert find(answer, ".problem[role=alert]", None)
                assert find(answer, "input[value='typed by hand']", None)
            else:
                assert (answer.status_code, heading(answer)) == (status, title)
            assert is_part(answer, None) == fragment
            assert still_signed_in(somebody, gateway)


def test_a_failed_release_says_so_or_says_that_nobody_knows(
    somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in WRITE_FAILURES:
        with subtests.test(failure.id):
            gateway.asked.clear()
            gateway.answer = failing_to_write(failure)
            answer = Place(f"{MAIL}release/", {**RELEASE, "allow": ""}, target="reading").open(somebody, fragment=True)
            assert is_part(answer, None)
            if failure.id == "412":
                assert "Release an infected message?" in text(answer, None)
                assert answer["HX-Retarget"] == "#dialog"
            elif failure.id in ("500", "501 with a list", "a redirect", "HTML", "400 without a body") or failure.written:  # 400: r:2407
                assert answer.status_code == 200
                assert "We do not know whether the message was released" in text(answer)
                assert "Unknown, check" in source(answer)
            elif failure.id == "403":
                assert "Your account cannot do this: release a message." in text(answer, None)
                assert not [button for button in find(answer, "button", None) if text(button).startswith("Release")]
            else:
                assert (answer.status_code, heading(answer)) == (failure.status, failure.heading)
                assert answer["HX-Retarget"] == "#toasts"
            assert [request.method for request in gateway.asked].count("POST") == 1
            assert still_signed_in(somebody, gateway)


def test_a_failed_block_says_so_and_leaves_the_mail_in_place(
    somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_to_write(failure)
            answer = Place(f"{MAIL}block/", {}, target="reading").open(somebody, fragment=True)
            assert "Rechnung 7" in headings(answer)  # the answer takes the place of the reading pane
            assert find(answer, "[hx-swap-oob='beforeend:#toasts']")
            known = "info@shop.example is already blocked for anna@nordwind.example."
            unclear = failure.status >= 502 and failure.status != 503
            assert {
                "no connection free": "was not added. Busy right now.",
                "409": known, "connection refused": "was not added. The gateway cannot be reached.",
                "403": "was not added. Your account cannot do this: add a sender rule to a mailbox.",
            }.get(failure.id, "It is unclear whether the sender rule" if unclear else "was not added.") in text(answer)
            assert still_signed_in(somebody, gateway)


# 401: the session is over, and one comes back to where one was.

def back_from(answer: HttpResponse) -> str:
    """Where the sign-in page leads to, from a redirect to it."""
    target = answer.headers.get("HX-Redirect") or answer["Location"]
    path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
    assert path == "/sign-in/"
    assert query["ended"] == ["1"]
    assert "csrf" not in target
    assert "once" not in query.get("next", [""])[0]
    return query.get("next", ["/"])[0]


def sign_in_again(somebody: Client, gateway: Gateway, back: str) -> HttpResponse:
    gateway.answer = well
    answer = somebody.post("/sign-in/", {"token": "an-opaque-token-of-a-test", "next": back})
    assert (answer.status_code, answer["Location"]) == (302, back)
    return somebody.get(back)


@pytest.mark.parametrize("place", [place for place in WHOLE if place.asks], ids=lambda place: place.id)
def test_a_token_that_is_over_ends_the_session_and_leads_back(place: Place, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = status(401)
    answer = place.open(somebody)
    assert answer.status_code == 302
    back = back_from(answer)
    assert urlsplit(back).path == urlsplit(place.url).path
    assert somebody.get("/activity/").status_code == 302
    assert sign_in_again(somebody, gateway, back).status_code == 200


@pytest.mark.parametrize("place", [place for place in FRAGMENTS if place.asks], ids=lambda place: place.id)
def test_a_token_that_is_over_sends_the_whole_page_to_the_sign_in(place: Place, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = status(401)
    answer = place.open(somebody, fragment=True)
    assert answer.status_code == 200
    assert answer.content == b""
    back = back_from(answer)
    if place.post is None:
        assert back == "/users/u1/mail/Quarantine/?subject=Rechnung"  # the page that is on the screen, with its search
    else:
        assert urlsplit(back).path == urlsplit(place.url).path
    assert somebody.get("/activity/").status_code == 302
    assert sign_in_again(somebody, gateway, back).status_code == 200


@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_a_session_that_is_over_leads_back_to_a_page(place: Place, somebody: Client, gateway: Gateway) -> None:
    session = somebody.session
    session["ends"] = 0
    session.save()
    answer = place.open(somebody)
    assert answer.status_code == 302
    assert gateway.asked == []
    assert sign_in_again(somebody, gateway, back_from(answer)).status_code in (200, 302)


@pytest.mark.parametrize("place", PLACES, ids=ids(PLACES))
def test_a_page_asks_who_is_there(place: Place, gateway: Gateway) -> None:
    stranger = Client()
    answer = place.open(stranger)
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert answer["Location"].startswith("/sign-in/")
    assert "ended" not in query
    assert urlsplit(query.get("next", ["/"])[0]).path == urlsplit(place.url).path
    if place.target:
        assert place.open(stranger, fragment=True)["HX-Redirect"].startswith("/sign-in/")
    assert gateway.asked == []
    assert "session" not in stranger.cookies


def test_signing_out_of_a_session_that_is_over_is_just_being_out(somebody: Client) -> None:
    session = somebody.session
    session["ends"] = 0
    session.save()
    answer = somebody.post("/sign-out/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/")


@pytest.mark.parametrize("place", [Place(f"{MAIL}release/", RELEASE), *CHANGES[:1], *CHANGES[2:3]], ids=lambda place: place.id)
@pytest.mark.parametrize("fragment", [False, True], ids=["whole", "fragment"])
def test_what_was_typed_is_there_again_after_signing_in(place: Place, fragment: bool, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = status(401)
    assert place.post
    form = replace(place, post={**place.post, "carried": "allow days description"})  # as its page says (users/release.html)
    again = sign_in_again(somebody, gateway, back_from(form.open(somebody, fragment=fragment)))
    assert find(again, "input[value='typed by hand']")
    assert find(again, f"option[value='{place.post['days']}'][selected]")
    if "allow" in place.post:
        assert find(again, "[name=allow][value=mailbox]")
    assert [request for request in gateway.asked if request.method != "GET"] == []


# A panel that fails alone.

def failing_at(pattern: str, failure: Failure) -> Answer:
    return lambda request: failure.answer(request) if re.fullmatch(pattern, request.url.path) else well(request)


def test_a_list_that_fails_leaves_the_user(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(r"/users/u1/emails/\w+", failure)
            answer = somebody.get("/users/u1/mail/INBOX/")
            assert answer.status_code == 200
            assert {"anna@nordwind.example", failure.heading} <= {*headings(answer)}
            assert link(answer, "Try again") == "/users/u1/mail/INBOX/"
            assert not find(answer, "[hx-trigger=load]")  # it would ask, and fail, once more by itself


def test_a_mail_that_fails_leaves_the_user_and_the_list(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(r"/users/u1/emails/\w+/m1", failure)
            answer = somebody.get(MAIL)
            assert answer.status_code == (404 if failure.id == "404" else 200)
            assert {"anna@nordwind.example", failure.heading} <= {*headings(answer)}
            assert "Rechnung 7" in text(answer, None)


def test_a_list_that_fails_leaves_the_mail(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(r"/users/u1/emails/\w+", failure)
            answer = somebody.get(MAIL)
            assert answer.status_code == 200
            assert {"Rechnung 7", failure.heading} <= {*headings(answer)}


@pytest.mark.parametrize(("failing", "shown"), [("users", "nordwind.example"), ("domains", "anna@nordwind.example")])
@pytest.mark.parametrize("fragment", [False, True], ids=["whole", "fragment"])
def test_half_a_search_shows_the_other_half(
    failing: str, shown: str, fragment: bool, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(f"/{failing}", failure)
            answer = Place("/search/suggestions/?q=nord" if fragment else "/search/?q=nord", target="suggestions").open(somebody, fragment=fragment)
            assert answer.status_code == 200
            assert shown in text(answer)
            assert ("Part of the search failed" if fragment else f"The search for {failing} failed") in text(answer)
            assert is_part(answer) == fragment


def test_a_search_that_fails_wholly_says_so_twice(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            answer = somebody.get("/search/?q=nord")
            assert answer.status_code == 200
            assert "The search for users failed" in text(answer)
            assert "The search for domains failed" in text(answer)
            assert still_signed_in(somebody, gateway)


# The sign-in page asks the gateway too.

def test_the_sign_in_says_what_is_wrong(gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            newcomer = Client()
            answer = newcomer.post("/sign-in/", {"token": "a-token-of-somebody", "next": "/users/u1/"})
            if failure.id == "403":  # a valid token, of an account that may not list users
                assert answer["Location"] == "/users/u1/"
                continue
            assert answer.status_code == failure.status
            assert one(answer, "#token-problem")
            assert "a-token-of-somebody" not in source(answer, None)
            assert form(answer, "token")["next"] == "/users/u1/"
            assert "session" not in newcomer.cookies


def test_the_sign_in_says_that_a_token_is_not_valid(gateway: Gateway) -> None:
    gateway.answer = status(401)
    answer = Client().post("/sign-in/", {"token": "a-token-of-somebody"})
    assert "This token is invalid or has expired." in text(answer, 403)


# Answers that hold nothing.

@pytest.mark.parametrize("place", [place for place in PLACES if place.asks], ids=lambda place: place.id)
def test_a_page_survives_answers_that_hold_nothing(
    place: Place, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    # The rule, the alias or the option is not among none, and there is no source.
    missing = ("domain-alias-delete", "domain-option", "domain-option-reset", "domain-rule", "mail-attached", "mail-source", "user-rule")
    # What has no name was not the one that was typed, and there is no permission to choose.
    refusing = ("domain-delete", "domain-admin", "domain-admin-add", "domain-admin-new")
    gone, refused = place.name in missing, bool(place.post) and place.name in refusing
    for name, answer in NOTHING.items():
        for fragment in {False, bool(place.target)}:
            with subtests.test(name, fragment=fragment):
                gateway.answer = answer
                shown = place.open(somebody, fragment=fragment)
                assert shown.status_code in ((404,) if gone else (422,) if refused else (200, 302))
                assert "/None/" not in shown.headers.get("Location", "")
                if not place.made and not place.file:
                    assert ">None<" not in source(shown, None)
                    assert "/None/" not in source(shown, None)


@pytest.mark.parametrize(("url", "said"), [
    ("/users/", "Nothing here yet."),
    ("/users/?email=keller", "Nothing matches “keller”."),
    ("/domains/", "Nothing here yet."),
    ("/domains/?name=nord", "Nothing matches “nord”."),
    ("/domains/d1/users/", "Nothing here yet."),
    ("/domains/d1/policies/", "This domain has no policy."),
    ("/domains/d1/policies/compare/", "Choose two policies to see the differences."),
    ("/domains/d1/users/?email=keller", "Nothing matches “keller”."),
    ("/domains/d1/options/", "This domain has no settings."),
    ("/domains/d1/options/?q=colour", "Nothing matches “colour”."),
    ("/domains/d1/access/", "The gateway offers nothing to allow here."),
    ("/domains/d1/admins/", "No administrators for this domain yet."),
    ("/domains/d1/admins/?search=petra", "Nothing matches “petra”."),
    ("/domains/d1/add-admin/", "There are no accounts to choose from."),
    ("/domains/d1/add-admin/", "You have no permissions on this domain that you can grant."),
    ("/search/?q=keller", "No user address contains this."),
    ("/search/?q=keller", "No domain name contains this."),
    ("/search/", "Enter part of an address or domain in the box above."),
    ("/users/u1/folders/", "This mailbox has no folders."),
    ("/users/u1/subfolders/?path=INBOX", "No subfolders"),
    ("/users/u1/mail/Quarantine/", "This folder is empty."),
    ("/users/u1/mail/Quarantine/?subject=Rechnung", "No messages match this search."),
    ("/health/", "No problems"),
    ("/health/?kind=relay&name=nord", "No problems"),
    ("/activity/", "Nothing yet. Everything you release or change is listed here."),
])
def test_a_list_of_nothing_says_so(url: str, said: str, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = NOTHING["empty lists"]
    shown = somebody.get(url)
    assert said in text(shown)
    assert not find(shown, "[hx-trigger=load]")  # there is nothing more to fetch


# Languages.

@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_every_page_comes_in_every_language(language: str, somebody: Client) -> None:
    somebody.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    for place in PLACES:
        whole = place.open(somebody)
        assert whole.status_code in (200, 302), place.id
        if whole.status_code == 200 and not place.file and not place.made and place.name not in ("mail-body", "mail-source"):
            assert one(whole, "html").attributes["lang"] == language, place.id
        if place.target:
            assert place.open(somebody, fragment=True).status_code == 200, place.id


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_every_failure_comes_in_every_language(language: str, somebody: Client, gateway: Gateway) -> None:
    somebody.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    for failure in {failure.heading: failure for failure in FAILURES}.values():
        gateway.answer = failure.answer
        answer = somebody.get("/users/")
        assert (answer.status_code, answer["Content-Language"]) == (failure.status, language)
        gateway.answer = failing_to_write(failure)
        for place in (place for place in GROUPS["messages"] if place.writes):
            assert place.open(somebody).status_code in (200, 302, failure.status, 504), place.id
