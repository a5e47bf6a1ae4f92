"""Whose entries and batches they are: a person's, whatever token is used, and of one gateway."""

from typing import Any

import httpx
import pytest
from django.test import Client

from cleanmail_admin import upstream
from portal import owner, vault
from portal.audit.models import Entry
from portal.batches.models import Batch, State
from tests.conftest import Gateway, signed_in
from tests.pages.test_sign_in import TOKEN, jwt, lists, stored
from tests.shown import text

OLD = "a key of before, and of the tests only, long enough"
BY_TOKEN = "The gateway does not say whose token this is."


def owner_of(browser: Client) -> str:
    return str(stored(browser)["owner"])


def did(whose: str, target: str = "nordwind.example") -> None:
    Entry.objects.create(owner=whose, who="x", operation="deleteDomain", target=target, result="done")
    Batch.objects.create(owner=whose, who="x", session_key="x", operation="checkDomain", ids={}, url="/", state=State.DONE)


def sees(browser: Client) -> tuple[bool, int]:
    """The entry, and how many batches."""
    return "nordwind.example" in text(browser.get("/activity/")), browser.get("/batches/").content.decode().count('href="/batches/') - 1


@pytest.fixture
def boss(gateway: Gateway) -> Client:
    return signed_in(jwt(sub="boss", jti="1"))


def test_two_tokens_of_one_person_show_the_same_activity_and_batches(boss: Client):
    did(owner_of(boss))
    again = signed_in(jwt(sub="boss", jti="2"))
    assert sees(again) == (True, 1)
    assert BY_TOKEN not in text(again.get("/activity/")) + text(again.get("/batches/"))


def test_another_subject_sees_nothing_of_it(boss: Client):
    did(owner_of(boss))
    for subject in ("Boss", "boss ", "user:boss", "jwt:boss"):
        assert sees(signed_in(jwt(sub=subject))) == (False, 0)


def test_the_same_subject_at_another_gateway_is_another_person(boss: Client, monkeypatch: pytest.MonkeyPatch):
    did(owner_of(boss))
    monkeypatch.setattr(upstream, "BASE_URL", "https://another.example/api")
    assert sees(signed_in(jwt(sub="boss"))) == (False, 0)


def test_a_link_and_a_token_of_a_mailboxs_owner_show_the_same(gateway: Gateway):
    gateway.answer = lists(1, 0)
    link = signed_in("a-link-of-a-mail")
    did(owner_of(link))
    for token in ("another-link", jwt(sub="X0@a.example"), jwt(sub="x0")):
        assert sees(signed_in(token)) == (True, 1)


def test_who_sees_one_mailbox_of_somebody_else_is_not_its_owner(gateway: Gateway):
    gateway.answer = lists(1, 0)
    did(owner_of(signed_in("a-link-of-a-mail")))
    assert sees(signed_in(jwt(sub="helper@else.example"))) == (False, 0)


def test_the_administrator_of_a_domain_with_one_user_is_not_that_user(gateway: Gateway):
    gateway.answer = lists(1, 0)
    did(owner_of(signed_in("a-link-of-a-mail")))
    gateway.answer = lists(1, 1)
    assert sees(signed_in("another-token")) == (False, 0)


@pytest.mark.parametrize("subject", [None, "", 7, ["boss"], {"boss": 1}, True])
def test_a_token_that_names_nobody_is_an_owner_of_its_own_and_says_so(gateway: Gateway, subject: Any):
    first, second = signed_in(jwt(sub=subject, jti="1")), signed_in(jwt(sub=subject, jti="2"))
    did(owner_of(first))
    assert sees(first) == (True, 1)
    assert sees(second) == (False, 0)
    assert BY_TOKEN in text(first.get("/activity/"))
    assert BY_TOKEN in text(first.get("/batches/"))


def test_a_subject_is_not_believed_where_the_gateway_refused_everything(boss: Client, gateway: Gateway):
    did(owner_of(boss))
    gateway.answer = lambda request: httpx.Response(403, json={})
    forged = signed_in(jwt(sub="boss", jti="forged"))
    assert sees(forged) == (False, 0)
    assert BY_TOKEN in text(forged.get("/activity/"))


def test_the_mailbox_that_somebody_types_finds_nobody(gateway: Gateway):
    gateway.answer = lists(1, 0)
    did(owner_of(signed_in("a-link-of-a-mail")))
    gateway.answer = lists(None, None)
    stranger = signed_in(TOKEN)
    before = owner_of(stranger)
    stranger.post("/mailbox/", {"mailbox": "x0@a.example"})
    assert owner_of(stranger) == before
    assert sees(stranger) == (False, 0)


# What was stored before.


@pytest.mark.parametrize("token", [jwt(sub="boss"), TOKEN], ids=["jwt", "opaque"])
def test_what_an_older_version_stored_by_the_token_is_there_after_the_next_sign_in(gateway: Gateway, token: str):
    did(vault.keyed("owner", token))
    did(vault.keyed("owner", "somebody else's token"), "sonnenhof.example")
    browser = signed_in(token)
    assert sees(browser) == (True, 1)
    assert "sonnenhof" not in text(browser.get("/activity/"))
    assert Entry.objects.exclude(owner=owner_of(browser)).count() == 1


def test_a_session_of_an_older_version_goes_on_and_finds_its_own(boss: Client):
    old = stored(boss)
    old["owner"] = vault.keyed("owner", jwt(sub="boss", jti="1"))
    del old["by_token"]
    old.save()
    did(old["owner"])
    assert sees(boss) == (True, 1)
    assert BY_TOKEN in text(boss.get("/activity/"))


def test_what_was_stored_while_the_gateway_told_nobody_follows_when_it_does(gateway: Gateway):
    gateway.answer = lambda request: httpx.Response(403, json={})
    did(owner_of(signed_in(jwt(sub="boss"))))
    gateway.answer = Gateway().answer
    assert sees(signed_in(jwt(sub="boss"))) == (True, 1)


@pytest.mark.parametrize("token", [jwt(sub="boss"), TOKEN], ids=["jwt", "opaque"])
def test_a_new_key_in_front_of_the_old_one_loses_nothing(gateway: Gateway, settings: Any, token: str):
    settings.OWNER_KEYS = [OLD]
    first = signed_in(token)
    did(owner_of(first))
    settings.OWNER_KEYS = [vault.settings.SECRET_KEY, OLD]
    again = signed_in(token)
    assert owner_of(again) != owner_of(first)
    assert sees(again) == (True, 1)


def test_a_sign_in_hands_over_so_many_rows_and_the_newest_first(gateway: Gateway, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(owner, "MOST", 2)
    for n in range(5):
        did(vault.keyed("owner", TOKEN), f"nr {n}")
    browser = signed_in(TOKEN)
    assert sorted(Entry.objects.filter(owner=owner_of(browser)).values_list("target", flat=True)) == ["nr 3", "nr 4"]
    for _again in range(2):
        browser = signed_in(TOKEN)
    assert Entry.objects.filter(owner=owner_of(browser)).count() == 5


def test_an_owner_tells_nothing_of_the_person(boss: Client):
    assert len(owner_of(boss)) == 64
    assert owner_of(boss) not in {vault.keyed(purpose, "boss") for purpose in ("owner", "person", "jwt", "")}
