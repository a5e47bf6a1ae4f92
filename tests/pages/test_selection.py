"""What is selected in a list: some rows, or all that match; and what became of them, told above the list."""

import re
from typing import Any

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from portal.batches import worker
from portal.batches.models import Batch, Row
from portal.ui.selection import MOST
from tests.conftest import Gateway, signed_in
from tests.shown import attribute, find, form, is_part, link, one, source, text

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])

FOLDER = "/users/u1/mail/Quarantine/"
IN_PLACE = {"HX-Request": "true", "HX-Target": "job"}


class Folder:
    """A gateway with a folder of so many held messages; `lists` is what it was asked for of its list."""

    def __init__(self, count: int) -> None:
        self.mails = [f"m{number}" for number in range(count)]
        self.lists: list[httpx.QueryParams] = []
        self.released: list[str] = []
        self.refuses: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.split("/")
        if parts[-1] == "release":
            if parts[-2] in self.refuses:
                return httpx.Response(403, json={"message": "MAIL_RELEASE required"})
            self.released.append(parts[-2])
            self.mails.remove(parts[-2])
            return httpx.Response(204)
        if len(parts) == 5 and parts[3] == "emails":
            self.lists.append(asked := request.url.params)
            start, size = int(asked["offset"]), int(asked["pageSize"])
            rows = [{"id": mail, "subject": f"Mail {mail}"} for mail in self.mails[start : start + size]]
            return httpx.Response(200, json=rows, headers={"X-Total-Count": str(len(self.mails))})
        if request.url.path == "/users":
            return httpx.Response(200, json=[])
        if len(parts) < 5:
            return httpx.Response(200, json={"id": "u1", "email": "anna@nordwind.example"})
        return httpx.Response(200, json={"subject": f"Mail {parts[-1]}"})


@pytest.fixture
def folder(gateway: Gateway) -> Folder:
    gateway.answer = box = Folder(60)
    return box


@pytest.fixture
def somebody(folder: Folder) -> Client:
    return signed_in("an-opaque-token-of-a-test")


def release(browser: Client, sent: dict[str, Any], **headers: str) -> HttpResponse:
    answer: HttpResponse = browser.post("/batches/release/", sent, headers=headers)
    return answer


def selecting(browser: Client, page: str = FOLDER, **changes: Any) -> dict[str, Any]:
    """What the form of a list sends, after these changes."""
    return form(browser.get(page), action="/batches/release/").filled(**changes)


def strip(browser: Client, batch: Batch, since: str = "") -> HttpResponse:
    return browser.get(f"/batches/{batch.pk}/{since}", headers={"HX-Request": "true", "HX-Target": f"strip-{batch.pk}"})


def work() -> None:
    while batch := worker.claim():
        worker.run(batch)


def the_batch() -> Batch:
    return Batch.objects.get()


# All that match.

def test_all_that_match_are_offered_where_they_are_more_than_the_page(somebody: Client, folder: Folder) -> None:
    assert text(one(somebody.get(FOLDER), ".bar .check")) == "All 60"
    assert text(one(somebody.get(f"{FOLDER}?subject=Mail"), ".bar .check")) == "All 60 that match"
    del folder.mails[40:]
    assert not find(somebody.get(FOLDER), ".bar .check")


def test_all_that_match_are_asked_about_by_number_before_anything_is_released(somebody: Client, folder: Folder) -> None:
    asked = release(somebody, selecting(somebody, f"{FOLDER}?subject=Rechnung&sort=sentDate&page=2", all="1"))
    assert "Release 60 messages?" in text(asked)
    assert "Subject Rechnung" in text(asked)
    assert not Batch.objects.exists()
    answer = release(somebody, form(asked))
    batch = the_batch()
    assert answer["Location"] == f"/batches/{batch.pk}/"
    assert [row.target for row in batch.rows.all()] == [f"m{number}" for number in range(60)]
    assert (folder.lists[-1]["subject"], folder.lists[-1]["sort"]) == ("Rechnung", "sentDate")
    assert link(somebody.get(answer["Location"]), "← Back to the list") == f"{FOLDER}?subject=Rechnung&sort=sentDate"


@pytest.mark.parametrize(("operator", "said"), [("NOT", "none of the fields"), ("OR", "any field")])
def test_the_question_says_how_the_search_was_joined(operator: str, said: str, somebody: Client, folder: Folder) -> None:
    asked = release(somebody, selecting(somebody, f"{FOLDER}?subject=Rechnung&sender=x&operator={operator}", all="1"))
    assert f"Match in {said}" in text(asked)
    assert "Match in" not in text(release(somebody, selecting(somebody, f"{FOLDER}?subject=Rechnung&operator=AND", all="1")))


def test_the_question_names_nothing_that_was_not_searched_for(somebody: Client, folder: Folder) -> None:
    asked = release(somebody, selecting(somebody, f"{FOLDER}?id=%3C%3E&sender=%20%20&operator=NOT", all="1"))
    assert [text(row) for row in find(asked, ".facts div")] == ["Folder Quarantine"]
    assert folder.lists[-1].keys() == {"offset", "pageSize"}


def test_all_that_match_are_not_offered_for_a_search_too_long_to_be_sent_along(somebody: Client, folder: Folder) -> None:
    wide = "ü" * 200
    assert not find(somebody.get(FOLDER, {"sender": wide, "subject": wide}), ".bar .check")


def test_of_very_many_the_first_thousand_are_released_and_few_calls_find_them(somebody: Client, folder: Folder) -> None:
    folder.mails = [f"m{number}" for number in range(100_000)]
    page = somebody.get(FOLDER)
    assert text(one(page, ".bar .check")) == "The first 1000"
    folder.lists.clear()
    asked = release(somebody, form(page, action="/batches/release/").filled(all="1"))
    assert f"Release the first {MOST} messages?" in text(asked)
    assert len(folder.lists) <= 6
    release(somebody, form(asked))
    assert len(folder.lists) <= 12
    assert [row.target for row in the_batch().rows.all()] == folder.mails[:MOST]


def test_what_the_browser_says_of_all_that_match_counts_for_nothing(somebody: Client, folder: Folder) -> None:
    asked = release(somebody, {**selecting(somebody, all="1"), "mail": ["another"]})
    release(somebody, {**form(asked), "mail": ["another"]})
    assert not Row.objects.filter(target="another").exists()
    assert the_batch().rows.count() == 60


def test_where_the_number_has_changed_it_is_asked_once_more(somebody: Client, folder: Folder) -> None:
    asked = release(somebody, selecting(somebody, all="1"))
    folder.mails.append("m60")
    again = release(somebody, form(asked))
    assert "Release 61 messages?" in text(again)
    assert "The number has changed since you were asked." in text(again)
    assert not Batch.objects.exists()
    release(somebody, form(again))
    assert the_batch().rows.count() == 61


def test_a_second_click_on_all_that_match_finds_the_same_job_though_fewer_match(somebody: Client, folder: Folder) -> None:
    sure = form(release(somebody, selecting(somebody, all="1")))
    first = release(somebody, sure)
    work()
    assert folder.mails == []
    assert release(somebody, sure)["Location"] == first["Location"]
    work()
    assert len(folder.released) == 60


def test_where_nothing_matches_any_more_nothing_can_be_released(somebody: Client, folder: Folder) -> None:
    sent = selecting(somebody, all="1")
    folder.mails.clear()
    asked = release(somebody, sent)
    assert "No messages match this search." in text(asked)
    assert [text(button) for button in find(asked, "main button")] == []
    release(somebody, form(asked))
    assert not Batch.objects.exists()


@pytest.mark.parametrize("view", ["subject=x&" * 1000, "next=//evil.example", "page=2&newest", "after=2026-02-02&before=2026-01-01", "%FF=\0"])
def test_a_view_that_no_list_has_selects_nothing_else(view: str, somebody: Client, folder: Folder) -> None:
    answer = release(somebody, {**selecting(somebody), "all": "1", "view": view})
    assert answer.status_code in (200, 302)
    assert "evil" not in source(answer, None) + answer.headers.get("Location", "")
    assert not Batch.objects.exists()


# In place.

def test_beside_the_list_the_job_is_watched_where_it_was_begun(somebody: Client, folder: Folder) -> None:
    begun = release(somebody, selecting(somebody, mail=["m1", "m2"]), **IN_PLACE)
    batch = the_batch()
    assert is_part(begun)
    assert attribute(begun, f"#strip-{batch.pk}", "hx-get") == f"/batches/{batch.pk}/"
    going = strip(somebody, batch)
    assert "Release of 2 messages 0 of 2 finished Stop" in text(going)
    assert not find(going, "template")
    since = attribute(going, f"#strip-{batch.pk}", "hx-get").removeprefix(f"/batches/{batch.pk}/")
    assert strip(somebody, batch, since).status_code == 204
    work()
    done = strip(somebody, batch, since)
    assert "Release of 2 messages done" in text(done)
    assert len(find(done, "template[data-row][data-state=released]")) == 2
    assert "hx-trigger" not in one(done, f"#strip-{batch.pk}").attributes


def test_it_is_green_only_when_all_were_released(somebody: Client, folder: Folder) -> None:
    folder.refuses = {"m2"}
    release(somebody, selecting(somebody, mail=["m1", "m2", "m3"]))
    batch = the_batch()
    work()
    above = strip(somebody, batch)
    assert "warn" in (one(above, f"#strip-{batch.pk}").attributes["class"] or "")
    assert text(one(above, ".strip-head .chip")) == "1 of 3 refused"
    for page in (somebody.get(f"/batches/{batch.pk}/"), somebody.get("/batches/")):
        (chip,) = (chip for chip in find(page, "main .chip") if text(chip) == "1 of 3 refused")
        assert chip.attributes["class"] == "chip warn"
    Row.objects.update(state="done")
    assert "ok" in (one(strip(somebody, batch), f"#strip-{batch.pk}").attributes["class"] or "")
    assert attribute(somebody.get("/batches/"), "main td .chip", "class") == "chip ok"


def test_a_refused_message_is_named_with_the_reason_and_can_be_opened(somebody: Client, folder: Folder) -> None:
    folder.refuses = {"m2"}
    release(somebody, selecting(somebody, mail=["m1", "m2"]))
    work()
    for answer in (strip(somebody, the_batch()), somebody.get(f"/batches/{the_batch().pk}/")):
        assert link(answer, "Mail m2") == f"{FOLDER}m2/"
        assert "Your account cannot release it." in text(answer)
    assert len(find(strip(somebody, the_batch()), "li")) == 1  # what was released is not listed


def test_many_refused_messages_are_the_first_ones_and_a_link_to_the_rest(somebody: Client, folder: Folder) -> None:
    folder.refuses = set(folder.mails)
    release(somebody, selecting(somebody, mail=folder.mails[:30]))
    work()
    above = strip(somebody, the_batch())
    assert len(find(above, "li")) == 21
    assert link(above, "10 more") == f"/batches/{the_batch().pk}/"


def test_what_was_refused_can_be_selected_and_tried_again_on_the_same_page(somebody: Client, folder: Folder) -> None:
    folder.refuses = {"m1"}
    sent = selecting(somebody, mail=["m1"])
    release(somebody, sent)
    work()
    key = attribute(strip(somebody, the_batch()), "#selection-once[hx-swap-oob]", "value")
    assert key != sent["once"]
    assert key[:11] == sent["once"][:11]  # the list is as old as it was
    folder.refuses = set()
    release(somebody, {**sent, "once": key})
    work()
    assert folder.released == ["m1"]
    assert Batch.objects.count() == 2


def test_the_question_about_all_comes_in_a_dialog_beside_the_list(somebody: Client, folder: Folder) -> None:
    asked = release(somebody, selecting(somebody, all="1"), **IN_PLACE)
    assert (asked["HX-Retarget"], asked["HX-Reswap"]) == ("#dialog", "innerHTML")
    assert is_part(asked)
    assert attribute(asked, "form", "hx-target") == "#job"


def test_nothing_selected_and_what_is_not_held_leave_the_list_as_it_is(somebody: Client, folder: Folder) -> None:
    assert release(somebody, selecting(somebody), **IN_PLACE).status_code == 204
    answer = release(somebody, {**selecting(somebody, mail=["m1"]), "folder": "INBOX"}, **IN_PLACE)
    assert answer["HX-Redirect"] == "/users/u1/mail/INBOX/"
    assert not Batch.objects.exists()


def test_a_strip_is_shown_to_nobody_else(somebody: Client, folder: Folder) -> None:
    release(somebody, selecting(somebody, mail=["m1"]))
    assert strip(signed_in("the-token-of-another"), the_batch()).status_code == 404
    other = somebody.get(f"/batches/{the_batch().pk}/", headers={"HX-Request": "true", "HX-Target": "strip-4711"})
    assert re.search("<html", source(other))
