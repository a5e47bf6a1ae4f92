"""What people paste into the search box out of tickets, mail and spreadsheets finds whom they mean, or tells what was tried."""

from typing import Any

import httpx
import pytest
from django.test import Client

from sandbox import seed
from sandbox.models import Domain, DomainAlias, User
from tests.conftest import Gateway
from tests.shown import find, link, one, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

TYPING = {"HX-Request": "true", "HX-Target": "suggestions"}
ANNA, JUERG, GRETA = seed.ANNA, "juerg.mueller@nordwind.example", f"greta.gruen@{seed.IDN}"


def found(browser: Client, typed: str, **headers: Any) -> Any:
    """The page that a search leads to, or the suggestions for what is typed."""
    answer = browser.get("/search/suggestions/" if headers else "/search/", {"q": typed}, follow=True, **headers)
    assert answer.status_code == 200, answer.status_code
    return answer


def opened(shown: Any) -> str:
    """Whose hub a page is, "" for none."""
    heading = text(one(shown, "h1"))
    return heading if "@" in heading and " " not in heading else ""


ONE_PERSON = [
    (typed, ANNA) for typed in (
        ANNA, f"Anna Keller <{ANNA}>", f"<{ANNA}>", f"mailto:{ANNA}", f"{ANNA};", f"{ANNA}.", f"{ANNA},", f"({ANNA})", f"“{ANNA}”", f"„{ANNA}“",
        f"'{ANNA}'", f"‘{ANNA}’", f"«{ANNA}»", f"\u00a0{ANNA}\u00a0", f"  {ANNA}\t", f"mailto:{ANNA}?subject=Hello%20there&cc=x",
        f"<mailto:{ANNA}>", f'"Keller, Anna" <{ANNA}>', f"Keller, Anna <{ANNA}>", f"{ANNA} (mobil)", f"{ANNA} (Anna Keller)",
        f"SMTP:{ANNA}", f"E-Mail: {ANNA}", f"To: Anna <{ANNA}>;", "anna.keller\u200b@nordwind.example\ufeff", f"\u2068{ANNA}\u2069",
        "anna.keller＠nordwind.example", "ANNA.KELLER@NORDWIND.EXAMPLE", "anna.keller (at) nordwind.example",
        "anna.keller[at]nordwind[dot]example", "anna.keller @ nordwind.example", "anna.keller@nordwind.example|Anna Keller",
        "anna.keller@nordwind.example/INBOX", "&lt;anna.keller@nordwind.example&gt;", "mailto:anna%2Ekeller@nordwind.example",
        "anna.keller@\nnordwind.example", "anna.keller@\u00adnordwind.example", "NORDWIND\\anna.keller", "anna.keller", "keller.anna",
        "Anna Keller", "Keller Anna", "Keller, Anna", "anna  keller", "ANNA KELLER", "Frau Anna Keller", "Frau Dr. Anna Keller",
        "Anna Keller (Einkauf)", "Anna Keller, Nordwind Logistik AG", "“Anna Keller”", "Anna\u00a0Keller", "Anna Maria Keller",
        "anna_keller", "A. Keller", "Keller A.", "anna.keller+news@nordwind.example", "Keller, Anna (NORDWIND)", "Anna Keller:", "<Anna Keller>",
        f"`{ANNA}`", f"[{ANNA}](mailto:{ANNA})", f"Von: Anna Keller [mailto:{ANNA}]", '"anna.keller"@nordwind.example',
        "anna.keller%40nordwind.example", "mailto://anna.keller@nordwind.example", "anna.keller at nordwind dot example",
        "anna.keller AT nordwind.example", "anna.keller@nordwind.\nexample", f"=?UTF-8?Q?Anna?= <{ANNA}>", "Name: Anna Keller",
        "Anna\u2011Keller", "Anna–Keller", "anna,keller", "Keller;Anna", "Anna Keller Nordwind", "Anna Keller, Tel. 062 123 45 67",
        "Anna Keller 4711", "@anna.keller", "anna.keller@",
    )
] + [
    (typed, JUERG) for typed in (
        "Jürg Müller", "Müller Jürg", "Müller, Jürg", "Ju\u0308rg Mu\u0308ller", "JÜRG MÜLLER", "Juerg Mueller", "Mueller Juerg",
        "Herr Jürg Müller", "Jurg Muller", "Muller, Jurg", "Müller J.", "jürg.müller", "Jürg.Müller@nordwind.example", "Müller Juerg",
    )
] + [
    ("Thomas Weiß", "thomas.weiss@nordwind.example"), ("Weiss Thomas", "thomas.weiss@nordwind.example"),
    ("Käthe Großmann", "kaethe.grossmann@nordwind.example"), ("Björn Östlund", "bjoern.oestlund@nordwind.example"),
    ("Søren Kjær", "soeren.kjaer@nordwind-hafen.example"), ("Kjær, Søren", "soeren.kjaer@nordwind-hafen.example"),
    ("Åse Østergaard", "aase.oestergaard@nordwind-hafen.example"), ("Éloïse d’Amboise", "eloise.damboise@atelier-lumiere.example"),
    ("D'Amboise Éloïse", "eloise.damboise@atelier-lumiere.example"), ("François Gérard", "francois.gerard@atelier-lumiere.example"),
    ("Begoña Ibáñez", "begona.ibanez@atelier-lumiere.example"), ("Çelik Chloé", "chloe.celik@atelier-lumiere.example"),
    ("Noël Dubœuf", "noel.duboeuf@atelier-lumiere.example"), ("Zoé Lefèvre", "zoe.lefevre@atelier-lumiere.example"),
    ("greta.gruen@grüne-fracht.example", GRETA), ("Greta Grün <greta.gruen@Grüne-Fracht.example>", GRETA), (GRETA, GRETA),
    ("gre\u0308ta.gruen@nowhere", ""), ("greta.gruen@gru\u0308ne-fracht.example", GRETA), ("greta.gruen@grüne-fracht。example", GRETA),
    ("Jorgen Sorensen", "joergen.soerensen@nordwind-hafen.example"), ("Schonbachler", "ruth.schoenbaechler@alpenmilch.example"),
    ("Greta Grün", GRETA), ("Östlund", "bjoern.oestlund@nordwind.example"),
]


@pytest.mark.parametrize(("typed", "email"), ONE_PERSON)
def test_whatever_form_a_person_is_pasted_in_opens_that_person(typed: str, email: str, as_admin: Client) -> None:
    assert opened(found(as_admin, typed)) == email


@pytest.mark.parametrize(("typed", "name"), [
    ("grüne-fracht.example", seed.IDN), ("Grüne-Fracht.example", seed.IDN), (seed.IDN, seed.IDN), (seed.IDN.upper(), seed.IDN),
    ("grüne-fracht", seed.IDN), ("gru\u0308ne-fracht.example", seed.IDN), ("@grüne-fracht.example", seed.IDN),
    ("nordwind.example", "nordwind.example"), ("nordwind.example.", "nordwind.example"), ("*@nordwind.example", "nordwind.example"),
    ("https://www.nordwind.example/kontakt?x=1", "nordwind.example"), ("http://nordwind.example:8080", "nordwind.example"),
    ("www.nordwind.example", "nordwind.example"), ("nordwind.example/", "nordwind.example"), ("„nordwind.example“", "nordwind.example"),
    ("mail.nordwind.example", "nordwind.example"), ("nord\u200bwind.example", "nordwind.example"), ("nordwind hafen", "nordwind-hafen.example"),
    ("RT-1001-1", "nordwind.example"), ("rt-1001-1", "nordwind.example"), (" RT-1001-1;", "nordwind.example"),
    ("am_100%", "alpenmilch.example"), ("RT-1001", "nordwind-hafen.example"),
    ("nordwind-logistik.example", "nordwind.example"), ("nordwind-ag", "nordwind.example"), ("nordwind.test", "nordwind.example"),
    ("Nordwind Logistik AG", "nordwind.example"), ("Logistik", "nordwind-hafen.example"), ("Alpenmilch Genossenschaft", "alpenmilch.example"),
    ("genossenschaft alpenmilch", "alpenmilch.example"), ("Alpenmilch-Genossenschaft", "alpenmilch.example"),
    ("gruene-fracht.example", seed.IDN), ("grune fracht", seed.IDN), ("greta.gruen@gruene-fracht.example", seed.IDN),
    ("Vertrag RT-1001-1", "nordwind.example"), ("RT-1001-1 (Vertrag)", "nordwind.example"), ("nordwind.example:25", "nordwind.example"),
    ("ghost@mail.nordwind.example", "nordwind.example"), ("nobody@nordwind.example", "nordwind.example"),
    ("anna.keller@nordwind-logistik.example", "nordwind.example"),
])
def test_whatever_form_a_domain_is_pasted_in_is_found(typed: str, name: str, as_admin: Client) -> None:
    assert link(found(as_admin, typed), name) == f"/domains/{Domain.objects.get(name=name).uid}/"


@pytest.mark.parametrize(("typed", "email"), [
    ("anna.keller@nordwind-logistik.example", ANNA),  # an alias of the domain
    ("anna.keller@nordwind.exmaple", ANNA),
    ("Anna Keller <a.k@elsewhere.example>", ANNA), ("Anna Kelller", ANNA), ("Anna Keller Ticket", ANNA), ("B. Keller", ANNA),
    ("a.keller@nordwind.example", ANNA), ("j.mueller@nordwind.example", JUERG),
])
def test_who_is_probably_meant_is_offered_and_not_opened(typed: str, email: str, as_admin: Client) -> None:
    shown = found(as_admin, typed)
    assert opened(shown) == ""
    assert find(shown, f"a[href='/users/{User.objects.get(email=email).uid}/']")


def test_people_whose_addresses_do_not_hold_the_whole_name_are_found_by_it(as_admin: Client) -> None:
    anna = User.objects.get(email=ANNA)
    for address in ("a.keller", "akeller", "keller", "anna", "keller-a", "annakeller", "keller_anna"):
        User.objects.filter(pk=anna.pk).update(email=f"{address}@nordwind.example")
        assert opened(found(as_admin, "Anna Keller")) == f"{address}@nordwind.example"


def test_several_addresses_are_found_at_once(as_admin: Client) -> None:
    shown = found(as_admin, f"Anna <{ANNA}>; {JUERG}, ghost@nordwind.example")
    assert opened(shown) == ""
    links = [text(a) for a in find(shown, "main a")]
    assert {ANNA, JUERG} <= {*links}
    assert "No user found for: ghost@nordwind.example" in text(shown)
    assert "ghost@nordwind.example" not in links


@pytest.mark.parametrize("typed", ["#", "'", "%", "(", "--"])
def test_what_has_no_letters_is_nobodys_alias(typed: str, as_admin: Client) -> None:
    assert "Other matches" not in found(as_admin, typed)


# What it costs.

def test_what_is_found_at_once_costs_two_calls(as_admin: Client) -> None:
    for typed in (ANNA, "Anna Keller", "nordwind", "grüne-fracht.example", "anna.kel", f"<{ANNA}>"):
        assert as_admin.get("/search/", {"q": typed}).wsgi_request.api.calls == 2
        assert as_admin.get("/search/suggestions/", {"q": typed}, headers=TYPING).wsgi_request.api.calls == 2


@pytest.mark.parametrize("typed", [
    "Jürgen von Müller-Lüdenscheidt", "Anna Keller <a@b.example>", "a.b.c.d.e.example", "zzz", "ü", "a@b.example c@d.example " * 9, "x y " * 40,
])
def test_nothing_found_costs_two_calls_while_typing_and_never_many(typed: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    browser_of_somebody.get("/search/suggestions/", {"q": typed}, headers=TYPING)
    assert len(gateway.asked) == 2
    gateway.asked.clear()
    browser_of_somebody.get("/search/", {"q": typed})
    assert 2 < len(gateway.asked) <= 18
    for asked in gateway.asked:  # one filter a request
        assert len(set(asked.url.params) - {"offset", "pageSize"}) <= 1


def test_a_name_is_joined_by_stars_in_both_orders(browser_of_somebody: Client, gateway: Gateway) -> None:
    for wanted in ("*juerg*mueller*", "*mueller*juerg*", "*mueller.juerg*", "*muller*"):
        one = {"id": "u1", "email": "x@example.org", "firstname": "Jürg", "lastname": "Müller"}
        gateway.answer = lambda asked, wanted=wanted, one=one: httpx.Response(  # type: ignore[misc]
            200, json=[one] if asked.url.params.get("email") == wanted else [],
        )
        assert browser_of_somebody.get("/search/", {"q": "Jürg Müller"})["Location"] == "/users/u1/"


# What is told.

def test_nothing_found_says_what_was_tried_and_what_helps(as_admin: Client) -> None:
    shown = text(found(as_admin, "Petra Nobody"))
    assert "No user address contains this." in shown
    assert "The gateway searches users by address only, never by name" in shown
    assert "…nobody.petra…" in shown
    assert f"Aliases and customers were searched in all {Domain.objects.count()} domains." in shown
    assert "Try a shorter part of the address" in shown
    assert "All users of nordwind.example" in text(found(as_admin, "nobody@nordwind.example"))


def test_of_many_domains_it_says_how_many_were_looked_at(browser_of_somebody: Client, gateway: Gateway) -> None:
    seen = [{"id": f"d{n}", "name": f"d{n}.example", "customer": {"name": f"Customer {n}"}} for n in range(200)]

    def answer(asked: httpx.Request) -> httpx.Response:
        whole = asked.url.path == "/domains" and "name" not in asked.url.params and "externalId" not in asked.url.params
        return httpx.Response(200, json=seen if whole else [], headers={"X-Total-Count": "2000" if whole else "0"})

    gateway.answer = answer
    shown = found(browser_of_somebody, "customer 7")
    assert "searched in the first 200 of 2000 domains" in text(shown).replace("2,000", "2000")
    assert link(shown, "d7.example") == "/domains/d7/"
    assert "d7.example Customer 7" in text(shown)


def test_suggestions_say_that_enter_searches_further(as_admin: Client) -> None:
    assert "Press Enter to search further." in text(found(as_admin, "zzz", headers=TYPING))
    assert ANNA in text(found(as_admin, f"Anna Keller <{ANNA}>;", headers=TYPING))
    assert JUERG in text(found(as_admin, "Jürg Mü", headers=TYPING))
    assert "grüne-fracht.example" in text(found(as_admin, "grüne-fracht", headers=TYPING))


def test_a_domain_comes_before_users_where_the_text_begins_it(as_admin: Client) -> None:
    for typed, first in (("nordwind", True), ("NORDWIND.ex", True), ("wind", False)):
        for headers in ({}, TYPING):
            kinds = [str(a.attributes["href"]).split("/")[1] for a in find(found(as_admin, typed, headers=headers), "main a[href^='/']")]
            if {"domains", "users"} <= {*kinds}:
                assert (kinds.index("domains") < kinds.index("users")) == first
    typing = find(found(as_admin, "nordwind", headers=TYPING), "[role=option]")
    ids = [option.attributes.get("id") for option in typing]
    assert ids.index("s-d1") < ids.index("s-u1")
    assert len([option for option in typing if option.attributes.get("aria-selected") == "true"]) == 1


@pytest.mark.parametrize("status", [403, 500])
def test_a_further_search_that_fails_in_part_shows_the_rest(status: int, browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(asked: httpx.Request) -> httpx.Response:
        if asked.url.path == "/users":
            return httpx.Response(200, json=[])
        if "name" in asked.url.params:
            return httpx.Response(200, json=[])
        return httpx.Response(status) if "externalId" in asked.url.params else httpx.Response(
            200, json=[{"id": "d1", "name": "d.example", "domainAliases": [{"id": 1, "name": "other.example"}]}],
        )

    gateway.answer = answer
    shown = text(found(browser_of_somebody, "other.exa"))
    assert "alias other.example" in shown
    assert ("Part of the search failed." in shown) == (status == 500)


def test_a_session_that_ends_meanwhile_is_over(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda asked: httpx.Response(401 if "externalId" in asked.url.params else 200, json=[])
    assert browser_of_somebody.get("/search/", {"q": "zzz"})["Location"].startswith("/sign-in/")


HOSTILE = ["<script>alert(1)</script>", "\0", "' or 1=1 --", "\\", "%", "a" * 300, "@" * 50, "mailto:" * 40, "http://[::1", "//", "ü." * 90,
           "xn--", "mailto:[", "(((((", "a@b@c@d.example", "\u202eelpmaxe.x@y", "😀", "http://", "mailto://[x", "-", "'", "Ⅷ ½ ﷺ", "\u0300\u0301", "," * 99]


@pytest.mark.parametrize("typed", HOSTILE)
@pytest.mark.parametrize(("url", "headers"), [("/search/", {}), ("/search/suggestions/", TYPING)])
def test_no_text_breaks_the_search(typed: str, url: str, headers: dict[str, str], as_admin: Client) -> None:
    shown = as_admin.get(url, {"q": typed}, headers=headers, follow=True)
    assert not [script for script in find(shown, "script", None) if "alert" in script.text()]


def test_hostile_names_stay_text(browser_of_somebody: Client, gateway: Gateway) -> None:
    row = {"id": "d1", "name": "<i>d", "customer": {"name": "<b>evil corp"}, "domainAliases": [{"name": None}, {"name": "<u>"}]}
    gateway.answer = lambda asked: httpx.Response(200, json=[row] if asked.url.path == "/domains" and len(asked.url.params) == 2 else [])
    shown = browser_of_somebody.get("/search/", {"q": "evil corp"})
    assert "<b>evil corp" in text(shown)
    assert not [bold for bold in find(shown, "b") if "evil" in text(bold)]


def test_an_alias_in_other_letters_is_found(as_admin: Client) -> None:
    DomainAlias.objects.create(domain=Domain.objects.get(name="alpenmilch.example"), name="xn--mnchen-3ya.example")
    for typed in ("münchen.example", "münchen", "xn--mnchen-3ya.example"):
        assert "alias münchen.example" in text(found(as_admin, typed))
