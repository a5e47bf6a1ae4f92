"""Folders, listings, searches, and reading a mail."""

import json
from io import BytesIO
from urllib.parse import quote
from zipfile import ZipFile

import pytest

from sandbox import mail, seed
from sandbox.models import Folder, Mail, MailSource, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


def subjects(answer):
    assert answer.status_code == 200
    return [row["subject"] for row in answer.json()]


def test_the_top_folders_are_listed_and_counted_only_on_demand(helpdesk, keller):
    plain = helpdesk.get(f"/users/{keller.uid}/emails/folders").json()
    assert [folder["path"] for folder in plain] == ["INBOX", "Quarantine", "Sent"]
    assert "messageCount" not in plain[0]
    counted = helpdesk.get(f"/users/{keller.uid}/emails/folders", params={"fields": "STATS"}).json()
    assert (counted[1]["messageCount"], counted[1]["unreadMessageCount"]) == (22, 22)
    Mail.objects.filter(folder__user=keller, folder__path="Quarantine", subject__contains="Rechnung").update(seen=True)
    again = helpdesk.get(f"/users/{keller.uid}/emails/folders", params={"fields": "X,stats"}).json()
    assert (again[1]["messageCount"], again[1]["unreadMessageCount"]) == (22, 21)


def test_subfolders_are_reached_by_their_links_and_show_one_level(anna):
    links = {folder["name"]: folder for folder in anna.get(f"/users/{seed.ANNA}/emails/folders").json()}
    below = anna.get(links["INBOX"]["childrenUri"]).json()
    assert [(folder["name"], folder["path"]) for folder in below] == [("Projekte", "INBOX/Projekte")]
    assert [folder["path"] for folder in anna.get(below[0]["childrenUri"]).json()] == ["INBOX/Projekte/2026"]
    assert anna.get(links["Sent"]["childrenUri"]).json() == []
    lines = anna.get(below[0]["messagesUri"]).json()
    assert len(lines) == 1
    assert anna.get(lines[0]["uri"]).json()["id"] == lines[0]["id"]


def test_an_unknown_folder_or_mailbox_is_404(anna, sysadmin, keller):
    for path in ("Nowhere", "folders/Nowhere", "INBOX/Projekte", "inbox%2Fprojekte", "Nowhere/x"):
        assert anna.get(f"/users/{keller.uid}/emails/{path}").status_code == 404
    assert sysadmin.get("/users/nobody@nordwind.example/emails/folders").status_code == 404


def test_a_mailbox_goes_by_id_and_by_address_in_any_case(anna, keller):
    by_id = anna.get(f"/users/{keller.uid}/emails/Quarantine")
    by_address = anna.get(f"/users/{quote('Anna.Keller@Nordwind.example', safe='')}/emails/Quarantine")
    assert by_id.json() == by_address.json()
    assert len(by_id.json()) == 22


def test_files_are_reached_by_the_id_of_the_user_only_as_documented(anna, held):
    mail_id = held("Rechnung").fuglu_id
    assert anna.get(f"/users/{seed.ANNA}/emails/Quarantine/{mail_id}").status_code == 200
    assert anna.get(f"/users/{seed.ANNA}/emails/Quarantine/{mail_id}/attachments").status_code == 404
    assert anna.get(f"/users/{seed.ANNA}/emails/Quarantine/{mail_id}/attachments/2").status_code == 404


def test_the_newest_mail_comes_first_and_the_order_turns_round(anna, box):
    newest = subjects(anna.get(box))
    assert newest[0] == "[SPAM] Rechnung R-48213 zu Ihrer Bestellung 7715"
    assert subjects(anna.get(box, params={"sort": "sentDate"})) == newest[::-1]
    assert anna.get(box, params={"sort": "subject"}).status_code == 400


def test_a_line_has_everything_a_list_shows(helpdesk, box, keller):
    row = helpdesk.get(box).json()[0]
    assert row["from"] == "Rheintal Papier AG <rechnung@rheintal-papier.example>"
    assert row["to"] == [f"Anna Keller <{seed.ANNA}>"]
    assert (row["cc"], row["bcc"]) == ([], [])
    assert row["hasAttachments"] is True
    assert row["attachments"]["count"] == 1
    assert row["attachments"]["attachments"][0]["name"] == "Rechnung-R-48213.pdf"
    assert row["headers"]["X-Spam-Score"] == "5.4"
    assert "dmarc=pass" in row["headers"]["Authentication-Results"]
    assert row["uri"] == f"/users/{keller.uid}/emails/Quarantine/{row['id']}"
    assert not {"content", "source"} & set(row)


def test_a_header_that_comes_twice_is_a_list_with_the_gateways_own_first(helpdesk, box):
    row = next(row for row in helpdesk.get(box).json() if "Überweisung" in row["subject"])
    results = row["headers"]["Authentication-Results"]
    assert len(results) == 2
    assert "dmarc=fail" in results[0]
    assert "dmarc=pass" in results[1]
    assert row["id"] == row["headers"]["X-Fuglu-ID"][0] != "0" * 32


def test_more_mail_than_a_page_is_paged(admin):
    path = f"/users/{seed.BUSY}/emails/Quarantine"
    pages = [admin.get(path, params={"offset": at}) for at in (0, 40, 80, 120)]
    assert [len(page.json()) for page in pages] == [40, 40, 40, 17]
    assert {page.headers["X-Total-Count"] for page in pages} == {"137"}
    assert len({row["id"] for page in pages for row in page.json()}) == 137
    assert admin.get(f"/users/{seed.EMPTY}/emails/Quarantine").json() == []


def test_a_listing_never_loads_a_source(anna, box, django_assert_max_num_queries):
    with django_assert_max_num_queries(20, using="sandbox") as queries:
        assert anna.get(box).status_code == 200
        assert anna.get(box, params={"subject": "Rechnung"}).status_code == 200
    assert queries
    assert not [query for query in queries if "mailsource" in query["sql"].lower()]


@pytest.mark.parametrize(("query", "expected"), [
    ({"subject": "rechnung r-48213"}, 1),
    ({"subject": "ÜBERWEISUNG"}, 1),
    ({"subject": ".*"}, 0),
    ({"subject": "%"}, 1),  # the newsletter's 40 %
    ({"subject": "CHF 500'000"}, 1),
    ({"subject": "お見積り"}, 1),
    ({"from": "@EVIL.example"}, 2),
    ({"from": "søren"}, 1),
    ({"to": "anna keller"}, 22),
    ({"to": "somebody else"}, 0),
    ({"cc": "anna"}, 0),
    ({"body": "Ich sitze im Flugzeug"}, 1),
    ({"body": "(", "subject": "["}, 1),
    ({"id": "orders/2026/118/4"}, 1),
    ({"id": "<orders/2026/118/4?confirm=1&lang=de@seeblick-shop.example>"}, 1),
    ({"subject": "rechnung", "from": "rheintal"}, 1),
    ({"subject": "rechnung", "from": "evil"}, 0),
    ({"subject": "rechnung", "from": "evil", "operator": "OR"}, 3),
    ({"subject": "rechnung", "from": "evil", "operator": "not"}, 19),
    ({"operator": "NOT"}, 22),
    ({"subject": "", "operator": "NOT"}, 0),
])
def test_a_search_finds_what_contains_its_words(anna, box, query, expected):
    answer = anna.get(box, params=query)
    assert answer.headers["X-Total-Count"] == str(expected)
    assert len(answer.json()) == expected


def test_a_search_by_date_takes_milliseconds(anna, box, held):
    middle = held("Scan vom Kopierer")
    at = int(middle.received_date.timestamp() * 1000)
    after = {row["id"] for row in anna.get(box, params={"receivedAfter": at}).json()}
    before = {row["id"] for row in anna.get(box, params={"receivedBefore": at}).json()}
    assert after & before == {middle.fuglu_id}
    assert len(after | before) == 22
    neither = anna.get(box, params={"receivedAfter": at, "receivedBefore": at, "operator": "NOT"})
    assert neither.json() == []
    assert anna.get(box, params={"receivedAfter": at + 1, "receivedBefore": at - 1}).json() == []


@pytest.mark.parametrize("query", [
    {"operator": "XOR"}, {"receivedAfter": "yesterday"}, {"receivedBefore": "-1"}, {"receivedAfter": "9" * 18}, {"bcc": "x"},
    {"subject": "x" * 2000}, {"offset": "x"},
])
def test_a_search_that_makes_no_sense_is_refused_and_the_field_named(anna, box, query):
    answer = anna.get(box, params=query)
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == list(query)


def test_only_the_owner_may_search_the_text(sysadmin, helpdesk, box):
    for who in (sysadmin, helpdesk):
        assert who.get(box, params={"body": "Flugzeug"}).status_code == 403
        assert who.get(box, params={"body": "Flugzeug", "operator": "OR", "subject": "x"}).status_code == 403


def test_only_the_owner_gets_the_text_and_the_source_whatever_the_rights_of_others(anna, sysadmin, admin, helpdesk, box, held):
    path = f"{box}/{held('Rechnung').fuglu_id}"
    for who in (sysadmin, admin, helpdesk):
        read = who.get(path, params={"fields": "HEADERS,CONTENT,SOURCE"}).json()
        assert not {"content", "source"} & set(read)
        assert read["headers"]["X-Quarantine-Reason"] == "SPAM"
    own = anna.get(path, params={"fields": "HEADERS,CONTENT,SOURCE"}).json()
    assert "CHF 1'284.50" in own["content"]
    assert own["source"].startswith("X-Fuglu-ID: ")
    assert set(own) - set(read) == {"content", "source"}


def test_the_headers_come_unless_more_is_asked_for(anna, box, held):
    path = f"{box}/{held('Rechnung').fuglu_id}"
    plain = anna.get(path).json()  # "fields | List of attended datas | - | HEADERS" (r:2169)
    assert plain["headers"]["X-Quarantine-Reason"] == "SPAM"
    assert not {"content", "source"} & set(plain)
    for asked, given in (("HEADERS", {"headers"}), ("content", {"content"}), ("SOURCE,CONTENT", {"source", "content"})):
        assert {"headers", "content", "source"} & set(anna.get(path, params={"fields": asked}).json()) == given
    refused = anna.get(path, params={"fields": "HEADERS,ALL"})
    assert refused.status_code == 400
    assert refused.json()["fields"] == {"fields": "not ALL"}


def test_reading_marks_a_mail_as_seen_when_the_owner_reads(anna, sysadmin, box, held):
    path = f"{box}/{held('Rechnung').fuglu_id}"
    assert sysadmin.get(path, params={"fields": "CONTENT"}).json()["seen"] is False
    assert anna.get(path).json()["seen"] is False  # of the headers alone
    assert anna.get(path, params={"fields": "CONTENT"}).json()["seen"] is True
    assert sysadmin.get(path).json()["seen"] is True


def test_a_mail_goes_by_both_of_its_ids_with_and_without_brackets(anna, box, keller):
    rows = Mail.objects.filter(folder__user=keller, folder__path="Quarantine")
    assert rows.count() == 22
    for row in rows:
        for key in (row.fuglu_id, row.message_id, f"<{row.message_id}>"):
            assert anna.get(f"{box}/{quote(key, safe='')}").json()["id"] == row.fuglu_id
    assert anna.get(f"/users/{keller.uid}/emails/INBOX/{rows[0].fuglu_id}").status_code == 404
    assert anna.get(f"{box}/%3C%3E").status_code == 404


def test_a_mail_without_any_id_is_not_found_by_empty_brackets(anna, keller, box):
    add(keller, b"Subject: nameless\r\n\r\nx")
    assert anna.get(f"{box}/%3C%3E").status_code == 404


def test_a_mail_without_a_fuglu_id_goes_by_its_message_id_slash_and_all(anna, keller, box):
    add(keller, b"Message-ID: <a/b?c#d%2f@x.example>\r\nSubject: slash\r\n\r\nx")
    row = anna.get(box, params={"subject": "slash"}).json()[0]
    assert row["id"] == "a/b?c#d%2f@x.example"
    assert anna.get(row["uri"], params={"fields": "CONTENT"}).json()["content"] == "x"


def test_every_seeded_mail_can_be_read_with_its_files(anna, box):
    rows = anna.get(box).json()
    assert len(rows) == 22
    files = 0
    for row in rows:
        assert anna.get(row["uri"]).json()["id"] == row["id"]
        for one in row["attachments"]["attachments"]:
            files += 1
            answer = anna.get(one["displayUri"])
            assert answer.status_code == 200
            assert len(answer.content) == one["size"]
            assert answer.headers["Content-Type"] == one["type"]
            assert answer.headers["Content-Disposition"].startswith("inline; filename")
            assert anna.get(one["downloadUri"]).headers["Content-Disposition"].startswith("attachment; filename")
    assert files == 15


def test_files_are_for_all_who_may_see_the_mail(sysadmin, helpdesk, box, held):
    path = f"{box}/{held('Rechnung').fuglu_id}/attachments"  # content and source are the owner's alone, and nothing else
    for who in (sysadmin, helpdesk):
        assert who.get(path).status_code == 200
        assert who.get(f"{path}/2").status_code == 200


@pytest.mark.parametrize("part", ["99", "0", "1", "x", "2.1", "..%2F2"])
def test_a_part_that_is_no_file_is_404(anna, box, held, part):
    assert anna.get(f"{box}/{held('Rechnung').fuglu_id}/attachments/{part}").status_code == 404


def test_the_archive_holds_every_file_under_a_harmless_name(anna, box, held):
    answer = anna.get(f"{box}/{held('><script>').fuglu_id}/attachments")
    assert answer.headers["Content-Type"] == "application/zip"
    assert "attachments.zip" in answer.headers["Content-Disposition"]
    names = ZipFile(BytesIO(answer.content)).namelist()
    assert len(names) == len(set(names)) == 5
    assert names[1] == "owned"
    assert names[2] == "evil.svg"
    assert not [name for name in names if set(name) & set('/\\<>:"|?*') or name.startswith(".")]


def test_the_list_of_files_comes_to_who_takes_only_json(anna, box, held):
    path = f"{box}/{held('Bewerbung').fuglu_id}/attachments"
    answer = anna.get(path, headers={"Accept": "application/json"})
    assert [one["name"] for one in answer.json()["attachments"]] == ["Lebenslauf Brunner.pdf", "Zeugnisse.zip"]
    assert answer.json()["count"] == 2
    assert ZipFile(BytesIO(anna.get(path, headers={"Accept": "application/zip"}).content)).testzip() is None


def test_a_mail_without_files_gives_an_empty_archive(anna, box, held):
    answer = anna.get(f"{box}/{held('Donau').fuglu_id}/attachments")
    assert ZipFile(BytesIO(answer.content)).namelist() == []


def test_the_test_virus_arrives_whole(anna, box, held):
    assert anna.get(f"{box}/{held('impayée').fuglu_id}/attachments/2").content.endswith(b"ANTIVIRUS-TEST-FILE!$H+H*")


def add(user: User, raw: bytes) -> Mail:
    """Put a message into somebody's quarantine."""
    folder = Folder.objects.get(user=user, path="Quarantine")
    row = Mail.objects.create(folder=folder, **mail.columns(raw, user.creation_date))
    MailSource.objects.create(mail=row, raw=raw, content=mail.content(raw))
    return row


@pytest.mark.parametrize("raw", [
    b"",
    b"Subject: \xff\xfe half a character \xc3\r\nX-Fuglu-ID: broken\r\n\r\n\xff",
    b"X-Fuglu-ID: broken\r\nSubject: =?utf-8?b?7aCA?= =?utf-16?q?=D8?=\r\nFrom: \xed\xa0\x80 <\xff@x.example>\r\n\r\nx",
    b"X-Fuglu-ID: broken\r\nContent-Type: text/x\xff; charset=\"\xff\"\r\n"
    b"Content-Disposition: attachment; filename*=klingon''%FF\r\n\r\nx",
])
def test_bytes_that_are_no_text_break_neither_the_list_nor_the_mail(anna, keller, box, raw):
    row = add(keller, raw)
    listed = anna.get(box)
    assert listed.headers["X-Total-Count"] == "23"
    assert "\\ud" not in json.dumps(listed.json(), ensure_ascii=False)
    if row.fuglu_id:
        assert anna.get(f"{box}/{row.fuglu_id}").status_code == 200
        assert anna.get(f"{box}/{row.fuglu_id}/attachments").status_code == 200
