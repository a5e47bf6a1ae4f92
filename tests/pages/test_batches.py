"""Several mails at once: a batch that can be watched, stopped and resumed, and that no accident makes write twice."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings as project
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from portal.api import users
from portal.audit.log import Written, act
from portal.audit.models import Entry
from portal.batches import worker
from portal.batches.dispatch import begin
from portal.batches.kinds import KINDS
from portal.batches.models import Batch, Row, State
from portal.meaning.release import Decision, Step
from portal.session import Person
from sandbox import seed
from sandbox.models import Mail, User
from tests.conftest import Gateway, signed_in
from tests.shown import attribute, find, hidden, is_part, link, one, source, text

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])

Answer = Callable[[httpx.Request], httpx.Response]
TOKEN = "an-opaque-token-of-a-test"
INTERRUPTED = "The job was interrupted here. Check before you repeat it."


def start(browser: Client, *mails: str, user: str = "u1", folder: str = "Quarantine") -> Batch:
    """Select mails and press the button; the batch that comes of it."""
    answer = browser.post("/batches/release/", {"user": user, "folder": folder, "mail": mails})
    assert answer.status_code == 302, answer.content
    found = re.fullmatch(r"/batches/(\d+)/", answer["Location"])
    assert found, answer["Location"]
    return Batch.objects.get(pk=found[1])


def work() -> bool:
    """Let the worker do what there is to do; False when there was nothing."""
    batch = worker.claim()
    if batch:
        worker.run(batch)
    return batch is not None


def let_leases_pass() -> None:
    for model in (Batch, Row):
        model.objects.exclude(lease=None).update(lease=Now() - timedelta(seconds=1))


def states(batch: Batch) -> list[str]:
    return [str(row.state) for row in batch.rows.all()]


def state(batch: Batch) -> str:
    batch.refresh_from_db()
    return str(batch.state)


def url(batch: Batch, action: str = "") -> str:
    return f"/batches/{batch.pk}/{action}"


def outcomes(answer: HttpResponse) -> list[tuple[str, str]]:
    """The rows in an answer: what each is about, and what became of it."""
    rows = []
    for what in find(answer, "li[id^=row-] .what"):
        about = what.text(deep=False).strip() or text(find(what, "a")[0])
        rows.append((about, " ".join(text(outcome) for outcome in find(what, ".small"))))
    return rows


def buttons(answer: HttpResponse) -> list[str]:
    return [text(button) for button in find(answer, "button")]


class Mailbox:
    """A gateway with mails that can be released; `releases` are those that it was asked for."""

    def __init__(self) -> None:
        self.releases: list[str] = []
        self.on_release: dict[str, Answer] = {}
        self.on_read: dict[str, Answer] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.split("/")
        if parts[-1] == "release":
            self.releases.append(parts[-2])
            return self.on_release.get(parts[-2], lambda request: httpx.Response(204))(request)
        if request.url.path == "/users":
            return httpx.Response(200, json=[])
        if len(parts) < 6:
            return httpx.Response(200, json={"id": "u1", "email": "anna@nordwind.example"})
        return self.on_read.get(parts[-1], lambda request: httpx.Response(200, json={"subject": f"Mail {parts[-1]}"}))(request)


@pytest.fixture
def mailbox(gateway: Gateway) -> Mailbox:
    box = Mailbox()
    gateway.answer = box
    return box


@pytest.fixture
def somebody(mailbox: Mailbox) -> Client:
    return signed_in(TOKEN)


def refusing(status: int, **body: Any) -> Answer:
    return lambda request: httpx.Response(status, json={"code": status, **body})


def raising(error: type[Exception]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("as the test wants it")

    return answer


# From the selection to the result, in the sandbox.

@pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
def test_selected_mails_are_released_one_after_the_other(as_admin: Client) -> None:
    folder = reverse("mail-list", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine"))
    page = as_admin.get(folder)
    fields = {name: hidden(page, name) for name in ("user", "folder")}
    boxes = [box.attributes for box in find(page, "[name=mail][value]")]
    found = {box["value"]: (box["aria-label"] or "").removeprefix("Select: ") for box in boxes}
    wanted = [id for id, subject in found.items() if any(one in subject for one in ("Rechnung R", "Facture", "Bewerbung"))]
    assert len(wanted) == 3
    batch = start(as_admin, *wanted, **fields)
    waiting = text(as_admin.get(url(batch)))
    assert "0 of 3 finished" in waiting
    assert "Release of 3 messages" in waiting
    assert work()
    shown = as_admin.get(url(batch))
    assert "3 of 3 finished" in text(shown)
    assert outcomes(shown) == [
        (found[wanted[0]], "Released."),
        (found[wanted[1]], "Released."),
        (found[wanted[2]], "Infected: release it individually, after reading the warning."),
    ]
    inbox = Mail.objects.filter(folder__user__email=seed.ANNA, folder__path="INBOX", fuglu_id__in=wanted)
    assert inbox.count() == 2
    assert Mail.objects.get(fuglu_id=wanted[2]).folder.path == "Quarantine"
    assert link(shown, "← Back to the list") == folder
    log = Entry.objects.order_by("id").values_list("who", "operation", "target", "result", "url")
    assert list(log) == [
        ("operations@gateway.example", "releaseEmail", f"{seed.ANNA}: {found[id]}", "done", folder) for id in wanted[:2]
    ]
    assert "release a message" in text(as_admin.get("/activity/"))
    (listed,) = find(as_admin.get("/batches/"), "td.c-title")
    assert (link(listed, "Release of 3 messages"), text(one(listed, "small"))) == (url(batch), seed.ANNA)


@pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
def test_a_long_batch_lets_somebody_elses_short_one_through(
    somebody: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "TURN", 2)
    long = start(somebody, "m1", "m2", "m3", "m4", "m5")
    short = start(signed_in("the-opaque-token-of-a-colleague"), "m6")
    while work():
        pass
    assert mailbox.releases == ["m1", "m2", "m6", "m3", "m4", "m5"]
    assert (state(long), state(short)) == ("done", "done")


def test_who_may_not_release_is_told_for_each_mail(as_helpdesk: Client) -> None:
    rows = Mail.objects.filter(folder__user__email=seed.ANNA, folder__path="Quarantine", infected=False)[:2]
    batch = start(as_helpdesk, *(row.fuglu_id for row in rows), user=User.objects.get(email=seed.ANNA).uid)
    work()
    assert states(batch) == ["refused", "refused"]
    shown = as_helpdesk.get(url(batch))
    assert text(shown).count("Your account cannot release it.") == 2
    refusal = "You do not have permission to execute this request. (MAIL_RELEASE required)"
    assert [text(quoted) for quoted in find(shown, "q")] == [refusal] * 2


# Each row tells how it ended.

@pytest.mark.parametrize(("answer", "state", "said"), [
    (refusing(204), "done", "Released."),
    (refusing(403, message="MAIL_RELEASE required"), "refused", "Your account cannot release it."),
    (refusing(404), "refused", "It is no longer in this folder."),
    (refusing(412), "refused", "Infected: release it individually"),
    (refusing(409, message="<b>Locked</b>"), "refused", "The gateway refused it."),
    (refusing(422, message="Mailbox full"), "refused", "The gateway refused it."),
    (refusing(500), "unknown", "No clear answer. Check the inbox before you repeat it."),
    (raising(httpx.ReadTimeout), "unknown", "No clear answer. Check the inbox before you repeat it."),
    (raising(httpx.WriteTimeout), "unknown", "No clear answer. Check the inbox before you repeat it."),
    (raising(httpx.RemoteProtocolError), "unknown", "No clear answer. Check the inbox before you repeat it."),
    (lambda request: httpx.Response(200, html="<h1>WLAN</h1>"), "unknown", "No clear answer."),
])
def test_a_row_says_how_it_ended_and_the_others_go_on(
    answer: Answer, state: str, said: str, somebody: Client, mailbox: Mailbox,
) -> None:
    mailbox.on_release["m2"] = answer
    batch = start(somebody, "m1", "m2", "m3")
    assert work()
    assert states(batch) == ["done", state, "done"]
    assert mailbox.releases == ["m1", "m2", "m3"]
    shown = text(somebody.get(url(batch)))
    assert said in shown
    assert "3 of 3 finished" in shown
    assert not find(somebody.get(url(batch)), "q b")
    assert Entry.objects.filter(operation="releaseEmail").order_by("id").values_list("result", flat=True)[1] == state
    assert not work()


def test_an_infected_mail_is_not_even_tried(somebody: Client, mailbox: Mailbox) -> None:
    mailbox.on_read["m1"] = lambda request: httpx.Response(200, json={"headers": {"X-Virus-Status": "Infected (Eicar)"}})
    batch = start(somebody, "m1", "m2")
    work()
    assert states(batch) == ["refused", "done"]
    assert mailbox.releases == ["m2"]


def test_what_a_person_would_be_asked_about_is_not_released_together(
    somebody: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portal.batches.kinds.decide", lambda judged, who: Decision(Step.ASK if "doubtful" in who.address else Step.GO))
    mailbox.on_read["m1"] = lambda request: httpx.Response(200, json={"from": "doubtful@shop.example"})
    batch = start(somebody, "m1", "m2")
    work()
    assert states(batch) == ["refused", "done"]
    assert mailbox.releases == ["m2"]


def test_a_mail_that_cannot_be_read_is_not_released(somebody: Client, mailbox: Mailbox) -> None:
    mailbox.on_read.update(m1=refusing(404), m2=refusing(500), m3=raising(httpx.ReadTimeout), m4=refusing(403))
    batch = start(somebody, "m1", "m2", "m3", "m4", "m5")
    work()
    assert states(batch) == ["refused"] * 4 + ["done"]
    assert mailbox.releases == ["m5"]
    assert "unknown" not in states(batch)  # nothing was sent, so nothing is unclear


def test_the_name_of_the_mailbox_is_only_a_nicety(somebody: Client, gateway: Gateway, mailbox: Mailbox) -> None:
    gateway.answer = lambda request: refusing(500)(request) if request.url.path == "/users/u1" else mailbox(request)
    batch = start(somebody, "m1")
    work()
    assert states(batch) == ["done"]
    assert Entry.objects.get(operation="releaseEmail").target == "u1: Mail m1"


# Stop and resume.

def test_a_stopped_batch_ends_the_row_in_flight_and_no_other(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m3", "m4")

    def stop(request: httpx.Request) -> httpx.Response:
        assert somebody.post(url(batch, "stop/"))["Location"] == url(batch)
        return httpx.Response(204)

    mailbox.on_release["m2"] = stop
    work()
    assert states(batch) == ["done", "done", "waiting", "waiting"]
    assert state(batch) == "stopped"
    shown = somebody.get(url(batch))
    assert "2 of 4 finished" in text(shown)
    assert "Resume" in buttons(shown)
    assert "Stop" not in buttons(shown)
    assert not find(one(shown, "#progress"), "[hx-trigger]")  # nothing more to watch
    assert not work()
    assert somebody.post(url(batch, "resume/"))["Location"] == url(batch)
    assert work()
    assert (state(batch), states(batch)) == ("done", ["done"] * 4)
    assert mailbox.releases == ["m1", "m2", "m3", "m4"]
    assert "Resume" not in buttons(somebody.get(url(batch)))


def test_a_batch_that_waits_can_be_stopped_before_it_begins(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1")
    somebody.post(url(batch, "stop/"))
    assert not work()
    assert mailbox.releases == []


def test_what_is_done_cannot_be_stopped_or_resumed(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1")
    work()
    for action in ("stop/", "resume/"):
        somebody.post(url(batch, action))
        assert state(batch) == "done"
    assert not work()
    assert mailbox.releases == ["m1"]


def test_looking_at_the_address_of_a_button_presses_it_not(somebody: Client) -> None:
    batch = start(somebody, "m1")
    assert somebody.get(url(batch, "stop/"))["Location"] == url(batch)
    assert state(batch) == "waiting"
    somebody.post(url(batch, "stop/"))
    assert somebody.get(url(batch, "resume/"))["Location"] == url(batch)
    assert state(batch) == "stopped"


# Accidents.

def test_a_killed_worker_loses_no_row_and_writes_none_twice(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m3")
    mailbox.on_release["m2"] = raising(SystemExit)  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        work()
    assert (state(batch), states(batch)) == ("running", ["done", "running", "waiting"])
    assert not work()  # its lease still runs: perhaps it is only slow
    let_leases_pass()
    assert work()
    assert (state(batch), states(batch)) == ("done", ["done", "unknown", "done"])
    assert mailbox.releases == ["m1", "m2", "m3"]
    shown = text(somebody.get(url(batch)))
    assert INTERRUPTED in shown
    assert "unknown, check" in shown
    assert "3 of 3 finished" in shown


def test_a_worker_that_was_taken_for_dead_does_not_go_on(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m3")

    def another_takes_over(request: httpx.Request) -> httpx.Response:
        let_leases_pass()
        assert work()
        return httpx.Response(204)

    mailbox.on_release["m1"] = another_takes_over
    work()
    assert (state(batch), states(batch)) == ("done", ["unknown", "done", "done"])  # the other called it unknown, and that stays
    assert mailbox.releases == ["m1", "m2", "m3"]


def test_two_workers_never_have_one_batch(somebody: Client) -> None:
    first, second = start(somebody, "m1"), start(somebody, "m2")
    assert worker.claim() == first
    assert worker.claim() == second
    assert worker.claim() is None


def test_a_session_that_is_over_stops_the_batch_until_one_is_back(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m3")

    def sign_out(request: httpx.Request) -> httpx.Response:
        somebody.post("/sign-out/")
        return httpx.Response(401)

    mailbox.on_release["m2"] = sign_out
    work()
    assert (state(batch), states(batch)) == ("stopped", ["done", "waiting", "waiting"])
    back = signed_in(TOKEN)
    shown = text(back.get(url(batch)))
    assert "Your session has ended. Sign in and resume the job." in shown
    del mailbox.on_release["m2"]
    back.post(url(batch, "resume/"))
    assert work()
    assert (state(batch), states(batch)) == ("done", ["done"] * 3)
    assert mailbox.releases == ["m1", "m2", "m2", "m3"]  # the first try of m2 was refused
    assert "Your session has ended" not in text(back.get(url(batch)))


def test_a_batch_of_somebody_who_has_signed_out_sends_nothing(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1")
    somebody.post("/sign-out/")
    assert work()
    assert (state(batch), states(batch), mailbox.releases) == ("stopped", ["waiting"], [])
    assert batch.why == "Your session has ended. Sign in and resume the job."


def test_a_session_past_its_end_sends_nothing(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1")
    session = somebody.session
    session["ends"] = int(time.time()) - 1
    session.save()
    work()
    assert (state(batch), mailbox.releases) == ("stopped", [])


@pytest.mark.parametrize("answer", [raising(httpx.ConnectError), refusing(429)])
@pytest.mark.parametrize("when", ["on_read", "on_release"])
def test_a_gateway_that_cannot_be_reached_makes_the_batch_wait(
    answer: Answer, when: str, somebody: Client, mailbox: Mailbox,
) -> None:
    getattr(mailbox, when)["m2"] = answer
    batch = start(somebody, "m1", "m2", "m3")
    work()
    assert (state(batch), states(batch)) == ("stopped", ["done", "waiting", "waiting"])
    assert "The gateway cannot be reached or asks for a pause. Resume in a moment." in text(somebody.get(url(batch)))
    getattr(mailbox, when).clear()
    somebody.post(url(batch, "resume/"))
    work()
    assert states(batch) == ["done"] * 3


def test_a_mail_that_somebody_is_releasing_by_hand_is_released_once(
    somebody: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portal.audit.log.time.sleep", lambda seconds: None)  # the other release ends only after this one
    batch = start(somebody, "m1", "m2")

    def run_the_batch(request: httpx.Request) -> httpx.Response:
        assert work()
        return httpx.Response(204)

    mailbox.on_release["m1"] = run_the_batch
    assert somebody.post("/users/u1/mail/Quarantine/m1/release/", {"once": "by hand"}).status_code == 302
    assert mailbox.releases == ["m1", "m2"]
    assert states(batch) == ["unknown", "done"]
    assert "Already tried. Check the inbox before you repeat it." in text(somebody.get(url(batch)))


def killed(*_: Any) -> Any:
    raise SystemExit


def test_a_mail_that_was_only_looked_at_when_the_worker_died_is_released_by_the_next(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m3")
    mailbox.on_read["m2"] = killed
    with pytest.raises(SystemExit):
        work()
    del mailbox.on_read["m2"]
    let_leases_pass()
    assert work()
    assert (state(batch), states(batch), mailbox.releases) == ("done", ["done"] * 3, ["m1", "m2", "m3"])


@pytest.mark.parametrize(("answer", "state", "said", "times"), [
    (refusing(204), "done", "Released.", 1),
    (refusing(403, message="MAIL_RELEASE required"), "refused", "Your account cannot release it. MAIL_RELEASE required", 2),
    (refusing(500), "unknown", INTERRUPTED, 1),
])
def test_what_the_activity_knows_of_a_row_is_told_when_its_worker_died_before_it_could(
    answer: Answer, state: str, said: str, times: int, somebody: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = start(somebody, "m1", "m2")
    mailbox.on_release["m1"] = answer
    with monkeypatch.context() as death:
        death.setattr(worker, "_finish", killed)
        with pytest.raises(SystemExit):
            work()
    let_leases_pass()
    assert work()
    assert states(batch) == [state, "done"]
    row = batch.rows.first()
    assert row is not None and f"{row.message} {row.reason}".strip() == said
    assert mailbox.releases == ["m1"] * times + ["m2"]  # what was refused did nothing, and is asked once more
    assert not Entry.objects.filter(result="").exists()


def test_a_write_that_a_dead_worker_left_behind_is_not_told_as_running_for_ever(somebody: Client, mailbox: Mailbox) -> None:
    start(somebody, "m1")
    mailbox.on_release["m1"] = killed
    with pytest.raises(SystemExit):
        work()
    Entry.objects.update(result="")  # a process that is killed does not even write that it does not know
    let_leases_pass()
    assert work()
    assert Entry.objects.get().result == "unknown"


def test_a_machine_whose_clock_is_ahead_takes_no_work_away_from_another(
    somebody: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = start(somebody, "m1")
    mailbox.on_release["m1"] = killed
    with pytest.raises(SystemExit):
        work()
    ahead = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    assert not work()
    assert state(batch) == "running"


def test_what_is_in_flight_when_a_batch_is_stopped_and_resumed_at_once_is_not_taken_for_lost(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m3")

    def stop_and_resume(request: httpx.Request) -> httpx.Response:
        somebody.post(url(batch, "stop/"))
        somebody.post(url(batch, "resume/"))
        assert work()
        assert states(batch) == ["running", "done", "done"]
        assert state(batch) == "running"  # it is done when its last row is
        return httpx.Response(204)

    mailbox.on_release["m1"] = stop_and_resume
    work()
    assert (state(batch), states(batch)) == ("done", ["done"] * 3)
    assert sorted(mailbox.releases) == ["m1", "m2", "m3"]


def test_a_worker_that_is_to_end_ends_its_row_and_hands_the_batch_on(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m3")
    claimed = worker.claim()
    assert claimed
    worker.run(claimed, lambda: len(mailbox.releases) == 2)
    assert (state(batch), states(batch)) == ("waiting", ["done", "done", "waiting"])
    assert work()  # nobody waits for a lease to pass
    assert (state(batch), mailbox.releases) == ("done", ["m1", "m2", "m3"])


# Side by side.

@pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
def test_a_few_mails_are_released_side_by_side(somebody: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SIDE_BY_SIDE", 3)
    at_once = threading.Barrier(3, timeout=60)
    mails = [f"m{n}" for n in range(12)]
    mailbox.on_release = {mail: lambda request: (at_once.wait(), httpx.Response(204))[1] for mail in mails}
    batch = start(somebody, *mails)
    assert work()
    assert (state(batch), states(batch)) == ("done", ["done"] * 12)
    assert sorted(mailbox.releases) == sorted(mails)


@pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
def test_when_the_gateway_asks_for_a_pause_those_beside_end_and_no_other_begins(
    somebody: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "SIDE_BY_SIDE", 3)
    batch = start(somebody, *(f"m{n}" for n in range(9)))
    at_once = threading.Barrier(3, timeout=60)

    def pause(request: httpx.Request) -> httpx.Response:
        at_once.wait()
        return refusing(429)(request)

    def end_behind_it(request: httpx.Request) -> httpx.Response:
        at_once.wait()
        while Batch.objects.get(pk=batch.pk).state == "running":
            time.sleep(0.01)
        return httpx.Response(204)

    mailbox.on_release.update(m0=pause, m1=end_behind_it, m2=end_behind_it)
    work()
    assert (state(batch), states(batch)) == ("stopped", ["waiting", "done", "done"] + ["waiting"] * 6)
    assert len(mailbox.releases) == 3
    mailbox.on_release.clear()
    somebody.post(url(batch, "resume/"))
    work()
    assert (state(batch), states(batch)) == ("done", ["done"] * 9)


# A kind of work that nobody has heard of.

def test_a_new_kind_of_work_needs_an_entry_in_one_place_and_may_write_to_one_target_twice(
    somebody: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, rf: Any,
) -> None:
    def rename(person: Any, api: Any, batch: Batch, row: Row, once: str) -> Written:
        return act(person, api, users.EDIT, target=row.target, once=once, ids={"userId": row.target}, json=row.payload)

    kind = replace(
        KINDS["release"], operation=users.EDIT, title=lambda size: f"Renaming {size} users", prepare=lambda api, batch: None, row=rename,
        told=lambda answer: ("Renamed.", ""), link=lambda row: f"/users/{row.target}/", refused={},
    )
    monkeypatch.setitem(KINDS, "rename", kind)
    request = rf.post("/", {"once": "a key"})
    request.person, request.session = Person("x", somebody.session["owner"], None), somebody.session
    sent: list[bytes] = []
    gateway.answer = lambda request: (sent.append(request.content), httpx.Response(200, json={}))[1]
    payloads = [{"firstname": "A"}, {"firstname": "B"}, {"firstname": "A"}]
    batch = begin(request, "rename", ["u1", "u1", "u2"], "/users/", payloads=payloads)
    assert begin(request, "rename", ["u1", "u1", "u2"], "/users/", payloads=payloads) == batch
    assert work()
    assert sent == [b'{"firstname":"A"}', b'{"firstname":"B"}', b'{"firstname":"A"}']
    shown = somebody.get(url(batch))
    assert "Renaming 3 users" in text(shown)
    assert outcomes(shown) == [("u1", "Renamed."), ("u1", "Renamed."), ("u2", "Renamed.")]
    assert link(shown, "u1") == "/users/u1/"


# Whose it is.

def test_nobody_sees_or_touches_the_batch_of_another(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1")
    other = signed_in("the-token-of-another")
    for answer in (
        other.get(url(batch)), other.get(url(batch), headers={"HX-Request": "true", "HX-Target": "progress"}),
        other.post(url(batch, "stop/")), other.post(url(batch, "resume/")), other.get(url(batch, "stop/")),
    ):
        assert answer.status_code == 404
    assert state(batch) == "waiting"
    assert url(batch) not in source(other.get("/batches/"))
    assert url(batch) in source(somebody.get("/batches/"))


@pytest.mark.parametrize("number", ["4711", "0", str(2**63), "9" * 40, "x", "-1"])
def test_a_batch_that_there_is_not_is_not_found(number: str, somebody: Client) -> None:
    assert somebody.get(f"/batches/{number}/").status_code == 404


# The page that watches.

def poll(browser: Client, page: HttpResponse) -> HttpResponse:
    """What the page gets that asks by itself for what is new."""
    address = attribute(page, "#progress[hx-trigger='every 1s']", "hx-get")
    return browser.get(address, headers={"HX-Request": "true", "HX-Target": "progress"})


def lines(answer: HttpResponse) -> list[str]:
    """The rows in an answer, by what they are about."""
    return [what for what, _outcome in outcomes(answer)]


def test_the_page_asks_by_itself_for_what_is_new_until_the_batch_is_done(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2")
    whole = somebody.get(url(batch))
    assert one(whole, "progress#bar[max='2'][value='0']")
    assert "Stop" in buttons(whole)
    assert one(whole, "noscript meta[http-equiv=refresh][content='3']")
    work()
    part, whole_again = poll(somebody, whole), somebody.get(url(batch))
    for shown in (part, whole_again):
        assert one(shown, "progress#bar[max='2'][value='2']")
        assert "hx-trigger" not in one(shown, "#progress").attributes
        assert "Stop" not in buttons(shown)
    assert is_part(part)
    assert find(part, "[hx-swap-oob=true]") and not find(whole_again, "[hx-swap-oob=true]")
    assert "http-equiv" not in source(whole_again)


def test_who_watches_a_thousand_rows_gets_only_those_that_changed(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, *(f"m{n}" for n in range(1000)))
    page = somebody.get(url(batch))
    assert len(lines(page)) == 1000
    asleep = poll(somebody, page)
    assert (asleep.status_code, asleep.content) == (204, b"")

    def look(request: httpx.Request) -> httpx.Response:
        seen.append(poll(somebody, page if not seen else seen[-1]))
        return httpx.Response(204)

    seen: list[HttpResponse] = []
    mailbox.on_release.update(m3=look, m5=look)
    mailbox.on_release["m7"] = lambda request: (somebody.post(url(batch, "stop/")), httpx.Response(204))[1]
    work()
    assert [lines(part) for part in seen] == [["Mail m0", "Mail m1", "Mail m2", "m3"], ["Mail m3", "Mail m4", "m5"]]
    last = poll(somebody, seen[-1])
    assert lines(last) == ["Mail m5", "Mail m6", "Mail m7"]
    assert "stopped" in text(last)
    assert max(len(part.content) for part in (*seen, last)) < 3000


def test_what_is_new_is_asked_for_with_any_number(somebody: Client) -> None:
    batch = start(somebody, "m1")
    for since in ("", "x", "-1", "9" * 30, "٣", "1e3"):
        answer = somebody.get(url(batch), {"since": since}, headers={"HX-Request": "true", "HX-Target": "progress"})
        assert (answer.status_code, lines(answer)) == (200, ["m1"])
        assert lines(somebody.get(url(batch), {"since": since})) == ["m1"]


def test_watching_a_batch_does_not_keep_a_session_alive(somebody: Client) -> None:
    batch = start(somebody, "m1")
    long_ago = int(time.time()) - project.SESSION_IDLE_SECONDS + 60
    session = somebody.session
    session["seen"] = long_ago
    session.save()
    for headers in ({}, {"HX-Request": "true", "HX-Target": "progress"}):
        assert somebody.get(url(batch), headers=headers).status_code == 200
        assert somebody.session["seen"] == long_ago
    somebody.get("/activity/")
    assert somebody.session["seen"] > long_ago
    session = somebody.session
    session["seen"] = int(time.time()) - project.SESSION_IDLE_SECONDS - 1
    session.save()
    over = somebody.get(url(batch), headers={"HX-Request": "true", "HX-Target": "progress", "HX-Current-URL": f"http://x{url(batch)}"})
    assert over["HX-Redirect"] == f"/sign-in/?next=%2Fbatches%2F{batch.pk}%2F&ended=1"


def test_messages_are_in_the_language_of_the_reader(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1")
    work()
    somebody.cookies[project.LANGUAGE_COOKIE_NAME] = "de"
    with translation.override("de"):
        said = translation.gettext("Released.")
    assert said != "Released."
    assert said in text(somebody.get(url(batch)))


# What is asked for.

def test_no_selection_leads_back_to_the_folder(somebody: Client) -> None:
    answer = somebody.post("/batches/release/", {"user": "u1", "folder": "INBOX/Sub"})
    assert answer["Location"] == "/users/u1/mail/INBOX%252FSub/"
    assert not Batch.objects.exists()


def test_a_mail_selected_twice_is_one_row(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, "m1", "m2", "m1")
    work()
    assert mailbox.releases == ["m1", "m2"]
    assert states(batch) == ["done", "done"]


def test_a_large_batch_is_done_to_the_end(somebody: Client, mailbox: Mailbox) -> None:
    batch = start(somebody, *(f"m{n}" for n in range(150)))
    work()
    assert mailbox.releases == [f"m{n}" for n in range(150)]
    assert "150 of 150 finished" in text(somebody.get(url(batch)))


def test_a_batch_has_a_thousand_rows_at_most(somebody: Client) -> None:
    batch = start(somebody, *(f"m{n}" for n in range(1001)))
    assert [row.target for row in batch.rows.all()] == [f"m{n}" for n in range(1000)]
    assert "Release of 1000 messages" in text(somebody.get(url(batch)))


def test_far_more_mails_than_any_page_shows_are_refused(somebody: Client, mailbox: Mailbox) -> None:
    mails = [f"m{n}" for n in range(3000)]
    answer = somebody.post("/batches/release/", {"user": "u1", "folder": "Quarantine", "mail": mails})
    assert answer.status_code == 400
    assert text(one(answer, "h1")) == "Bad request"
    assert not Batch.objects.exists()
    assert somebody.get("/activity/").status_code == 200


@pytest.mark.parametrize("data", [
    {"mail": ["m1", ".."]}, {"mail": ["."]}, {"mail": [""]}, {"mail": ["a\nb"]}, {"mail": ["x" * 2000]}, {"mail": ["a\0b"]},
    {"mail": ["m1"], "user": ""}, {"mail": ["m1"], "user": ".."}, {"mail": ["m1"], "folder": ""},
    {"mail": ["m1"], "folder": "a\rb"},
])
def test_an_id_that_can_be_none_is_refused_as_a_whole(data: dict[str, Any], somebody: Client, mailbox: Mailbox) -> None:
    answer = somebody.post("/batches/release/", {"user": "u1", "folder": "Quarantine", **data})
    assert answer.status_code == 400
    assert not Batch.objects.exists()
    assert not Row.objects.exists()


def test_an_odd_id_is_released_as_it_is(somebody: Client, gateway: Gateway, mailbox: Mailbox, settings: Any) -> None:
    settings.HELD_FOLDERS = ["INBOX/Sub folder"]
    odd = "<orders/2026/118/4?confirm=1&lang=de@shop.example>"
    batch = start(somebody, odd, folder="INBOX/Sub folder")
    work()
    assert states(batch) == ["done"]
    (released,) = [request.url.raw_path.decode() for request in gateway.asked if request.method == "POST"]
    assert released == (
        "/users/u1/emails/INBOX%2FSub%20folder/%3Corders%2F2026%2F118%2F4%3Fconfirm%3D1%26lang%3Dde%40shop.example%3E/release"
    )
    assert state(batch) == State.DONE


def test_several_messages_are_released_from_held_folders_only(somebody: Client, mailbox: Mailbox, settings: Any) -> None:
    """"Release an email via its folder (e.g. INBOX)" (r:2375): elsewhere, each message is delivered again by itself."""
    settings.HELD_FOLDERS = ["Junk"]
    for folder in ("INBOX", "Sent", "Retention", "Quarantines", "INBOX/Quarantine"):
        answer = somebody.post("/batches/release/", {"user": "u1", "folder": folder, "mail": ["m1"]}, follow=True)
        assert "Only held messages can be released together." in text(answer)
    assert not Batch.objects.exists()
    for folder in ("Quarantine", "Quarantine/2026", "Quarantine.Spam", "Junk", "Junk/old"):
        assert start(somebody, "m1", folder=folder)


def test_an_internal_problem_of_the_gateway_leaves_it_open_whether_a_mail_was_released(
    somebody: Client, mailbox: Mailbox
) -> None:
    mailbox.on_release["m1"] = refusing(400, message="An internal problem occured.")  # (r:2407)
    batch = start(somebody, "m1", "m2")
    work()
    assert states(batch) == ["unknown", "done"]
    assert "An internal problem occured." in text(somebody.get(url(batch)))
    again = start(somebody, "m1")  # from a page loaded anew, that still shows it
    mailbox.on_release.clear()
    work()
    assert states(again) == ["done"]
    assert mailbox.releases == ["m1", "m2", "m1"]
