"""How one likes the dashboard goes with the person, and is nobody else's."""

from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client

from portal import preferences, vault
from portal.models import Preference
from tests.conftest import Gateway, signed_in
from tests.pages.test_sign_in import TOKEN, jwt, stored
from tests.shown import form, text

BY_ITSELF = {"language": "browser", "theme": "browser", "time_zone": "browser", "rows": "40"}
WISHES = {"language": "de", "theme": "dark", "time_zone": "Asia/Tokyo", "rows": "100"}


@pytest.fixture
def boss(gateway: Gateway) -> Client:
    return signed_in(jwt(sub="boss", jti="1"))


def size(browser: Client, gateway: Gateway, page: str = "/users/") -> str:
    """How many rows the gateway was asked for."""
    gateway.asked.clear()
    browser.get(page)
    return gateway.asked[-1].url.params["pageSize"]


def test_what_was_chosen_is_how_every_page_is_and_stays_so_with_the_next_token(boss: Client, gateway: Gateway):
    assert boss.post("/account/", WISHES)["Location"] == "/account/"
    for browser in (boss, signed_in(jwt(sub="boss", jti="2"))):
        shown = browser.get("/activity/")
        assert '<html lang="de" data-theme="dark">' in shown.content.decode()
        assert '<meta name="color-scheme" content="dark">' in shown.content.decode()
        assert shown["Content-Language"] == "de"
        assert size(browser, gateway) == "100"
        assert size(browser, gateway, "/users/?per_page=20") == "20"
        assert {name: form(browser.get("/account/"), "theme")[name] for name in WISHES} == WISHES


def test_times_are_in_the_zone_that_was_chosen_and_else_in_the_browsers(boss: Client):
    from portal.audit.models import Entry

    Entry.objects.create(owner=stored(boss)["owner"], who="x", operation="deleteDomain", target="x", result="done")
    Entry.objects.update(at="2026-01-01T12:00:00Z")
    boss.cookies["timezone"] = "America/New_York"
    assert "07:00:00-05:00" in boss.get("/activity/").content.decode()
    boss.post("/account/", {**BY_ITSELF, "time_zone": "Asia/Tokyo"})
    assert "21:00:00+09:00" in boss.get("/activity/").content.decode()
    boss.post("/account/", BY_ITSELF)
    assert "07:00:00-05:00" in boss.get("/activity/").content.decode()


def test_nobody_elses_pages_change(boss: Client, gateway: Gateway):
    boss.post("/account/", WISHES)
    other = signed_in(TOKEN)
    assert '<html lang="en">' in other.get("/activity/").content.decode()
    assert '<html lang="en">' in Client().get("/sign-in/").content.decode()
    assert size(other, gateway) == "40"


def test_the_language_switch_of_a_page_is_kept_for_the_person_and_for_the_browser(boss: Client):
    boss.post("/account/", WISHES)
    assert boss.post("/language/", {"language": "fr", "next": "/activity/"})["Location"] == "/activity/"
    assert '<html lang="fr" data-theme="dark">' in boss.get("/activity/").content.decode()
    assert '<html lang="fr">' in boss.get("/sign-in/").content.decode()
    assert '<html lang="fr"' in signed_in(jwt(sub="boss", jti="2")).get("/activity/").content.decode()


def test_the_language_switch_stores_nothing_of_who_is_not_signed_in(gateway: Gateway):
    Client().post("/language/", {"language": "fr", "next": "/sign-in/"})
    assert not Preference.objects.exists()


def test_looking_at_the_language_switch_changes_nothing(boss: Client):
    boss.get("/language/?language=fr")
    assert not Preference.objects.exists()


@pytest.mark.parametrize("wish", [
    {"language": "xx"}, {"theme": 'dark"><script>'}, {"time_zone": "Nowhere/City"}, {"time_zone": "../../etc/passwd"}, {"rows": "100000"},
    {"rows": "x\x00"},
    {"rows": ""},
])
def test_what_cannot_be_chosen_is_not_stored(boss: Client, wish: dict[str, str]):
    assert boss.post("/account/", {**BY_ITSELF, **wish}).status_code == 422
    assert boss.post("/language/", wish).status_code == 302
    assert not Preference.objects.exists()
    assert boss.get("/activity/").status_code == 200


def test_a_choice_that_is_taken_back_leaves_nothing_behind(boss: Client):
    boss.post("/account/", WISHES)
    boss.post("/account/", BY_ITSELF)
    assert not Preference.objects.exists()
    assert '<html lang="en">' in boss.get("/activity/").content.decode()


def test_what_a_later_version_stored_harms_nobody(boss: Client):
    owner = stored(boss)["owner"]
    for name, value in (("language", "tlh"), ("time_zone", "Mars/Base"), ("rows", "many"), ("wings", "two")):
        Preference.objects.create(owner=owner, name=name, value=value)
    again = signed_in(jwt(sub="boss"))
    assert '<html lang="en">' in again.get("/users/").content.decode()


def test_a_session_of_an_older_version_has_no_preferences_and_can_get_some(boss: Client):
    old = stored(boss)
    del old["preferences"]
    old.save()
    assert boss.get("/account/").status_code == 200
    boss.post("/account/", {**BY_ITSELF, "theme": "light"})
    assert 'data-theme="light"' in boss.get("/activity/").content.decode()


def test_preferences_go_along_to_a_new_key_and_name_nobody(boss: Client, gateway: Gateway, settings: Any):
    boss.post("/account/", WISHES)
    settings.OWNER_KEYS = ["another key of the tests and long enough to be one", project.SECRET_KEY]
    again = signed_in(jwt(sub="boss"))
    assert '<html lang="de" data-theme="dark">' in again.get("/activity/").content.decode()
    assert {row["owner"] for row in Preference.objects.values("owner")} == {stored(again)["owner"]}
    assert "boss" not in str(list(Preference.objects.values()))
    assert stored(again)["owner"] != vault.keyed("person", "boss")


def test_what_was_dismissed_stays_so_under_a_new_key_and_is_nobody_elses(boss: Client, settings: Any):
    long = "d" * 500
    preferences.dismiss(stored(boss)["owner"], "setup", "d1")
    preferences.dismiss(stored(boss)["owner"], "setup", long)
    settings.OWNER_KEYS = ["another key of the tests and long enough to be one", project.SECRET_KEY]
    owner = stored(signed_in(jwt(sub="boss")))["owner"]
    assert preferences.dismissed(owner, "setup", "d1") and preferences.dismissed(owner, "setup", long)
    assert not preferences.dismissed(owner, "setup", "d2")
    assert not preferences.dismissed(vault.keyed("person", "other"), "setup", "d1")
    assert {row["owner"] for row in Preference.objects.values("owner")} == {owner}


def test_several_names_of_one_person_with_the_same_dismissed_are_one(boss: Client):
    for owner in ("a", "b"):
        preferences.dismiss(owner, "setup", "d1")
    preferences.hand_over("now", ["a", "b"])
    assert list(Preference.objects.values_list("owner", flat=True)) == ["now"]


def test_only_so_much_is_kept_as_dismissed_and_a_choice_is_never_lost_by_it(boss: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preferences, "MOST_DISMISSED", 3)
    boss.post("/account/", WISHES)
    owner = stored(boss)["owner"]
    for number in range(6):
        preferences.dismiss(owner, "setup", str(number))
    assert [number for number in range(6) if preferences.dismissed(owner, "setup", str(number))] == [3, 4, 5]
    assert preferences.of([owner]) == WISHES


def test_asking_for_a_page_asks_the_database_for_no_preference(boss: Client, django_assert_max_num_queries: Any):
    boss.post("/account/", WISHES)
    boss.get("/account/")
    with django_assert_max_num_queries(1):  # the session
        boss.get("/account/")


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("theme", "dark", 'data-theme="dark"'), ("density", "compact", 'data-density="compact"'), ("rows", "100", 'value="100" aria-pressed="true"'),
])
def test_the_menu_of_every_page_changes_one_of_them_and_leads_back(boss: Client, name: str, value: str, shown: str):
    boss.post("/account/", {"time_zone": "Asia/Tokyo"})
    assert shown not in boss.get("/activity/").content.decode()
    assert boss.post("/account/", {name: value, "next": "/activity/?page=1"})["Location"] == "/activity/?page=1"
    page = boss.get("/activity/")
    assert shown in page.content.decode()
    assert "Times are in Asia/Tokyo." in text(page)  # what was not sent stays
    boss.post("/account/", {name: BY_ITSELF.get(name, "comfortable")})
    assert shown not in boss.get("/activity/").content.decode()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_menu_leads_nowhere_else(boss: Client, back: str):
    assert boss.post("/account/", {"theme": "dark", "next": back})["Location"] == "/account/"


def test_the_settings_are_found_in_the_menu(boss: Client):
    assert 'href="/account/"' in boss.get("/activity/").content.decode()
    assert "Preferences" in text(boss.get("/account/"))
