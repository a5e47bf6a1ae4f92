"""Releasing held mail."""

from threading import Barrier, Thread
from urllib.parse import quote

import pytest
from django.db import connections

from sandbox import mail, seed
from sandbox.models import Folder, Mail

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
LOVER = {"X-Virus-Lover": ""}


def test_a_released_mail_is_in_the_inbox_without_its_spam_tag(anna, keller, box, held):
    row = held("Rechnung")
    assert "[SPAM]" in row.subject
    assert anna.post(f"{box}/{row.fuglu_id}/release").status_code == 204
    assert anna.get(f"{box}/{row.fuglu_id}").status_code == 404
    read = anna.get(f"/users/{keller.uid}/emails/INBOX/{row.fuglu_id}?fields=HEADERS,SOURCE").json()
    assert read["subject"] == "Rechnung R-48213 zu Ihrer Bestellung 7715"
    assert not {"X-Spam-Flag", "X-Quarantine-Reason"} & set(read["headers"])
    assert read["headers"]["X-Spam-Score"] == "5.4"
    head, _, text = read["source"].partition("\r\n\r\n")
    assert "\r\nSubject: Rechnung R-48213" in head
    assert "[SPAM]" not in head
    assert "X-Spam-Flag" not in head
    assert text.startswith("--=_")
    assert read["size"] == len(read["source"].encode())
    assert read["attachments"]["count"] == 1


def test_advertising_loses_its_own_tag(anna, keller, box, held):
    row = held("[WERBUNG]")
    assert anna.post(f"{box}/{row.fuglu_id}/release").status_code == 204
    assert Mail.objects.get(pk=row.pk).subject == "Nur diese Woche: 40 % auf Paletten – jetzt zugreifen"


def test_only_the_tag_of_the_gateway_goes_and_only_from_the_headers(anna, keller, box, held):
    row = held("Bewerbung")
    raw = bytes(row.source.raw).replace(b"Subject: [SPAM] Bewerbung", b"Subject: [SPAM] Re: [SPAM] Bewerbung")
    row.source.raw = raw + b"\r\nSubject: [SPAM] in the text\r\nX-Spam-Flag: YES\r\n"
    row.source.save()
    assert anna.post(f"{box}/{row.fuglu_id}/release").status_code == 204
    row.refresh_from_db()
    row.source.refresh_from_db()
    assert row.subject == "Re: [SPAM] Bewerbung als Disponent"
    assert bytes(row.source.raw).endswith(b"Subject: [SPAM] in the text\r\nX-Spam-Flag: YES\r\n")


def test_every_held_mail_can_be_released_by_its_message_id(anna, keller, box):
    rows = list(Mail.objects.filter(folder__user=keller, folder__path="Quarantine"))
    for row in rows:
        headers = LOVER if row.infected else {}
        assert anna.post(f"{box}/{quote(f'<{row.message_id}>', safe='')}/release", headers=headers).status_code == 204
    assert Mail.objects.filter(folder__user=keller, folder__path="Quarantine").count() == 0
    assert not Mail.objects.filter(folder__user=keller, folder__path="INBOX", subject__contains="[SPAM]").exists()


def test_an_administrator_releases_for_a_user_by_address(admin, box, held):
    assert admin.post(f"/users/{seed.ANNA}/emails/Quarantine/{held('Rechnung').fuglu_id}/release").status_code == 204


def test_a_mailbox_that_has_no_inbox_yet_gets_one(admin, keller, box, held):
    Folder.objects.get(user=keller, path="INBOX").delete()
    row = held("Rechnung")
    assert admin.post(f"{box}/{row.fuglu_id}/release").status_code == 204
    assert Mail.objects.get(pk=row.pk).folder.path == "INBOX"


@pytest.mark.parametrize(("subject", "headers", "status"), [
    ("Rechnung", {}, 204), ("Rechnung", LOVER, 412), ("Rechnung", {"X-Virus-Lover": "no"}, 412),
    ("impayée", {}, 412), ("impayée", LOVER, 204), ("impayée", {"X-Virus-Lover": "false"}, 204),
])
def test_x_virus_lover_must_be_there_for_infected_mail_and_for_no_other(anna, box, held, subject, headers, status):
    row = held(subject)
    assert anna.post(f"{box}/{row.fuglu_id}/release", headers=headers).status_code == status
    assert Mail.objects.get(pk=row.pk).folder.path == ("INBOX" if status == 204 else "Quarantine")


def test_what_is_not_there_is_404(anna, sysadmin, keller, box, held):
    row = held("Rechnung")
    for path in (
        f"{box}/0123/release", f"/users/{keller.uid}/emails/INBOX/{row.fuglu_id}/release",
        f"/users/{keller.uid}/emails/Nowhere/{row.fuglu_id}/release",
        f"/users/00000/emails/Quarantine/{row.fuglu_id}/release",
        f"/users/{seed.BUSY}/emails/Quarantine/{row.fuglu_id}/release",
    ):
        assert sysadmin.post(path).status_code == 404
    assert anna.post(f"/users/{seed.BUSY}/emails/Quarantine/x/release").status_code == 404


def test_a_release_that_breaks_off_leaves_the_mail_held(anna, box, held, monkeypatch):
    row = held("Rechnung")
    monkeypatch.setattr(mail, "columns", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        anna.post(f"{box}/{row.fuglu_id}/release")
    row.refresh_from_db()
    assert row.folder.path == "Quarantine"


def test_a_second_release_finds_the_mail_gone(anna, box, held):
    row = held("Rechnung")
    assert [anna.post(f"{box}/{row.fuglu_id}/release").status_code for _ in range(2)] == [204, 404]


def test_releasing_what_is_not_held_leaves_it_where_it_is(anna, keller):
    row = Mail.objects.filter(folder__user=keller, folder__path="Sent").get()
    before = Mail.objects.filter(pk=row.pk).values().get()
    assert anna.post(f"/users/{keller.uid}/emails/Sent/{row.fuglu_id}/release").status_code == 204
    assert Mail.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.django_db(databases=["default", "sandbox"], transaction=True)
def test_of_many_releases_at_once_exactly_one_succeeds(anna, admin, box, held):
    for subject in ("Rechnung", "Bewerbung", "Tourenplan"):
        path = f"{box}/{held(subject).fuglu_id}/release"
        start, statuses = Barrier(8), []

        def release(who, path=path, start=start, statuses=statuses):
            start.wait()
            statuses.append(who.post(path).status_code)
            connections.close_all()

        threads = [Thread(target=release, args=(who,)) for who in (anna, admin) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [204, *[404] * 7]
