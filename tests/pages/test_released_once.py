"""However often, by whomever and under whatever name a release is asked for: at a gateway that keeps its mails, each goes out once."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from portal.audit.models import Entry
from portal.batches import worker
from portal.batches.models import Batch, Row
from tests.conftest import Gateway, signed_in
from tests.shown import form as form_of, text

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
FOLDER = "/users/u1/mail/Quarantine/"
NAMES = {"u1": "u1", "anna@nordwind.example": "u1"}  # a user, by id or by address
OWN = {"m1": "m1", "fuglu-1": "m1", "<1@shop.example>": "m1", "m2": "m2", "m3": "m3"}  # a mail, by any of its ids


class Keeping:
    """A gateway that keeps the mails it has released in their folder. `releases` are those that it sent, by their own id."""

    def __init__(self) -> None:
        self.releases: list[str] = []
        self.checks: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.strip("/").split("/")
        match parts:
            case ["users"]:
                return httpx.Response(200, json=[])
            case ["users", user]:
                return httpx.Response(200, json={"id": NAMES[user], "email": "anna@nordwind.example", "domainId": "d1"})
            case ["users", _user, "emails", _folder]:
                mails = [{"id": one, "subject": f"Mail {one}", "from": "a@shop.example"} for one in ("m1", "m2", "m3")]
                return httpx.Response(200, json=mails, headers={"X-Total-Count": "3"})
            case ["users", _user, "emails", _folder, mail]:
                return httpx.Response(200, json={"id": OWN[mail], "subject": f"Mail {OWN[mail]}", "from": "a@shop.example"})
            case ["users", _user, "emails", _folder, mail, "release"]:
                self.releases.append(OWN[mail])
                return httpx.Response(204)
            case ["health"]:
                entry = {"type": "MX", "error": True, "output": ["No MX record"]}
                failing = [
                    {"id": one, "name": f"{one}.example", "type": "DOMAIN", "health": {"report": {"status": False, "entries": [entry]}}}
                    for one in ("d1", "d2")
                ]
                return httpx.Response(200, json=failing)
            case ["domains", domain, "health"] if request.method == "POST":
                self.checks.append(domain)
                return httpx.Response(201, json={"report": {"status": True, "entries": []}})
            case ["domains", domain]:
                return httpx.Response(200, json={"id": domain, "name": f"{domain}.example"})
        return httpx.Response(200, json=[])


@pytest.fixture
def keeping(gateway: Gateway) -> Keeping:
    gateway.answer = box = Keeping()
    return box


@pytest.fixture
def somebody(keeping: Keeping) -> Client:
    return signed_in("an-opaque-token-of-a-test")


@pytest.fixture
def another(keeping: Keeping) -> Client:
    return signed_in("the-token-of-another")


def form(browser: Client, page: str = FOLDER, action: str = "/batches/release/") -> dict[str, str]:
    """What the form of a page sends along."""
    return {name: value for name, value in form_of(browser.get(page), action=action).items() if name not in ("mail", "domain")}


def select(browser: Client, sent: dict[str, str], *mails: str) -> HttpResponse:
    answer = browser.post("/batches/release/", {**sent, "mail": mails})
    assert re.fullmatch(r"/batches/\d+/", answer["Location"])
    return answer


def work() -> None:
    while batch := worker.claim():
        worker.run(batch)


def results() -> list[tuple[str, str]]:
    return list(Row.objects.order_by("id").values_list("state", "message"))


ALREADY = "It was already released. It was not sent again."


# Clicks

def test_a_double_click_on_release_the_selected_is_one_batch(somebody: Client, keeping: Keeping) -> None:
    sent = form(somebody)
    first, second = (select(somebody, sent, "m1", "m2") for _click in range(2))
    assert first["Location"] == second["Location"]
    work()
    assert select(somebody, sent, "m2", "m1")["Location"] == first["Location"]
    work()
    assert keeping.releases == ["m1", "m2"]
    assert Batch.objects.count() == 1


@pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
def test_two_clicks_at_the_same_moment_are_one_batch(somebody: Client, keeping: Keeping) -> None:
    sent = form(somebody)

    def click(_number: int) -> str:
        try:
            return select(somebody, sent, "m1", "m2")["Location"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as hands:
        assert len(set(hands.map(click, range(8)))) == 1
    work()
    assert keeping.releases == ["m1", "m2"]
    assert (Batch.objects.count(), Row.objects.count()) == (1, 2)


def test_who_goes_back_and_selects_one_more_releases_only_that(somebody: Client, keeping: Keeping) -> None:
    sent = form(somebody)
    select(somebody, sent, "m1", "m2")
    work()
    select(somebody, sent, "m1", "m2", "m3")
    work()
    assert keeping.releases == ["m1", "m2", "m3"]
    assert results()[2:] == [("done", ALREADY), ("done", ALREADY), ("done", "Released.")]


def test_who_looks_again_may_release_again(somebody: Client, keeping: Keeping) -> None:
    for _look in range(2):
        select(somebody, form(somebody), "m1")
        work()
    assert keeping.releases == ["m1", "m1"]


def test_the_key_of_one_person_is_worth_nothing_to_another(somebody: Client, another: Client) -> None:
    sent = form(somebody)
    assert select(somebody, sent, "m1")["Location"] != select(another, sent, "m1")["Location"]


@pytest.mark.parametrize("key", ["", "x" * 65, "a\0b", "\ud800", "zzz", "00000000000-", "fffffffffff-x"])
def test_a_key_that_is_none_of_ours_does_no_harm(key: str, somebody: Client, keeping: Keeping) -> None:
    data = {"user": "u1", "folder": "Quarantine", "mail": ["m1"], "once": key.encode("utf-8", "replace").decode()}
    assert somebody.post("/batches/release/", data).status_code == 302
    work()
    assert keeping.releases == ["m1"]


def test_a_double_click_on_check_all_is_one_batch(somebody: Client, keeping: Keeping) -> None:
    sent = form(somebody, "/health/", "/batches/check/")
    answers = []
    for _click in range(2):
        answers.append(somebody.post("/batches/check/", {**sent, "domain": ["d1", "d2"]})["Location"])
        work()
    assert answers[0] == answers[1]
    assert keeping.checks == ["d1", "d2"]


# The same mail under other names, and from other places

@pytest.mark.parametrize("user", NAMES)
@pytest.mark.parametrize("mail", ["m1", "fuglu-1", "<1@shop.example>"])
def test_two_batches_under_whatever_names_release_a_mail_once(user: str, mail: str, somebody: Client, keeping: Keeping) -> None:
    first, second = form(somebody), form(somebody)
    select(somebody, {**first, "user": user}, mail)
    select(somebody, second, "m1")
    work()
    assert keeping.releases == ["m1"]
    assert results() == [("done", "Released."), ("done", ALREADY)]
    assert Entry.objects.count() == 1


def test_two_people_with_the_same_list_before_them_release_each_mail_once(somebody: Client, another: Client, keeping: Keeping) -> None:
    first, second = form(somebody), form(another)
    select(somebody, first, "m1", "m2")
    work()
    select(another, second, "m1", "m2", "m3")
    work()
    assert keeping.releases == ["m1", "m2", "m3"]


def test_a_mail_that_somebody_released_by_hand_is_no_work_for_a_batch_any_more(
    somebody: Client, another: Client, keeping: Keeping,
) -> None:
    sent = form(another)
    assert somebody.post("/users/anna@nordwind.example/mail/Quarantine/fuglu-1/release/", {"once": "a"}).status_code == 302
    select(another, sent, "m1")
    work()
    assert keeping.releases == ["m1"]


def test_a_mail_that_a_batch_released_is_not_released_from_a_page_of_before(
    somebody: Client, another: Client, keeping: Keeping,
) -> None:
    url = f"{FOLDER}m1/"
    before = form(another, url, f"{url}release/")
    select(somebody, {**form(somebody), "user": "anna@nordwind.example"}, "<1@shop.example>")
    work()
    told = another.post(f"{url}release/", before, follow=True)
    assert "Already released by" in text(told)
    assert keeping.releases == ["m1"]
    told = another.post(f"{url}release/", form(another, url, f"{url}release/"), follow=True)
    assert "Released. The message is on its way" in text(told)
    assert keeping.releases == ["m1", "m1"]  # who looks again decides again


def test_a_release_that_ended_nobody_knows_how_is_not_repeated_from_a_page_of_before(
    somebody: Client, another: Client, keeping: Keeping, gateway: Gateway,
) -> None:
    sent = form(another)

    def silent(request: httpx.Request) -> httpx.Response:
        answer = keeping(request)
        if request.url.path.endswith("/release"):
            raise httpx.ReadTimeout("as the test wants it")
        return answer

    gateway.answer = silent
    select(somebody, form(somebody), "m1")
    work()
    select(another, sent, "m1")
    work()
    assert keeping.releases == ["m1"]
    assert [state for state, _message in results()] == ["unknown", "unknown"]


def test_mails_of_two_users_with_the_same_number_are_two_mails(somebody: Client, keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "u2", "u2")
    sent = form(somebody)
    select(somebody, sent, "m1")
    select(somebody, {**sent, "user": "u2"}, "m1")
    work()
    assert keeping.releases == ["m1", "m1"]
