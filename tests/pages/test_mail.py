"""Held mail: finding it in a folder, reading it safely, and what an administrator gets that is no owner."""

import html
import re
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import quote

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal import session
from portal.meaning import body
from portal.ui.pages import together
from sandbox import seed, seedmail
from sandbox.models import Mail, User
from tests.conftest import Gateway
from tests.shown import find, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

PARTS = {"list": "held", "mail": "reading", "folders": "folders"}


def user(email: str) -> str:
    return User.objects.get(email=email).uid


def folder(email: str, path: str = "Quarantine", page: str = "mail-list") -> str:
    return reverse(page, args=(user(email), path))


def held(subject: str, page: str = "mail-read", *more: str) -> str:
    """The address of one of Anna's held mails, found by a piece of its subject."""
    row = Mail.objects.get(folder__user__email=seed.ANNA, folder__path="Quarantine", subject__contains=subject)
    return reverse(page, args=(user(seed.ANNA), "Quarantine", row.fuglu_id, *more))


def part(target: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": target}


def rows(answer: HttpResponse) -> list[str]:
    """The subjects in a list of mails, from top to bottom."""
    return [text(subject) for subject in find(answer, ".subject", None)]


def calls(answer: HttpResponse) -> int:
    return answer.wsgi_request.api.calls  # type: ignore[attr-defined]


# The list of a folder.

def test_a_long_list_comes_in_pages_of_forty(as_admin: Client) -> None:
    base = folder(seed.BUSY, page="mail-list-panel")
    pages = [as_admin.get(base, {"page": number}, headers=part("held")) for number in range(1, 5)]
    assert [len(rows(page)) for page in pages] == [40, 40, 40, 17]
    ids = [found for page in pages for found in re.findall(r'name="mail" value="([^"]+)"', source(page))]
    assert len(set(ids)) == 137
    first, second, last = source(pages[0]), source(pages[1]), source(pages[3])
    assert "137 messages" in first
    assert "Page 1 of 4" in first
    assert f'href="?page=2" rel="next" hx-get="{base}?page=2"' in first
    assert 'rel="prev"' not in first
    assert 'href="?page=1" rel="prev"' in second
    assert 'rel="next"' not in last


def test_a_page_that_is_none_shows_the_nearest(as_admin: Client, subtests: pytest.Subtests) -> None:
    for asked, shown in {"4": 4, "5": 4, "999": 4, "9" * 20: 4, "9" * 5000: 1, "0": 1, "-1": 1, "x": 1, "²": 1, "": 1}.items():
        with subtests.test(asked[:30]):
            assert f"Page {shown} of 4" in source(as_admin.get(folder(seed.BUSY, page="mail-list-panel"), {"page": asked}, headers=part("held")))


def test_the_newest_mail_is_on_top_and_a_link_turns_the_order(as_admin: Client) -> None:
    base = folder(seed.ANNA)
    newest = as_admin.get(base, {"subject": "a"})
    assert rows(newest)[0] == "[SPAM] Rechnung R-48213 zu Ihrer Bestellung 7715"
    assert f'href="{base}?subject=a&sort=sentDate">Newest first' in source(newest)
    oldest = as_admin.get(base, {"subject": "a", "sort": "sentDate"})
    assert rows(oldest) == rows(newest)[::-1]
    assert f'href="{base}?subject=a">Oldest first' in source(oldest)
    assert rows(as_admin.get(base, {"sort": "-subject"})) == rows(as_admin.get(base))  # no documented key


SEARCHES: list[tuple[dict[str, str], list[str]]] = [
    ({"sender": "rheintal"}, ["[SPAM] Rechnung R-48213 zu Ihrer Bestellung 7715"]),
    ({"sender": "RHEINTAL-PAPIER.example"}, ["[SPAM] Rechnung R-48213 zu Ihrer Bestellung 7715"]),
    ({"subject": "Überweisung"}, ["Vertraulich: dringende Überweisung noch heute"]),
    ({"subject": "überweisung"}, ["Vertraulich: dringende Überweisung noch heute"]),
    ({"subject": "見積"}, ["[SPAM] お見積りのご案内"]),
    ({"subject": "40 %"}, ["[WERBUNG] Nur diese Woche: 40 % auf Paletten – jetzt zugreifen"]),
    ({"sender": "evil.example", "subject": "Anfrage"}, ["[SPAM] Re: Ihre Anfrage"]),
    ({"sender": "rheintal", "subject": "Anfrage"}, []),
    ({"subject": "*"}, []),
]


def test_the_search_finds_a_piece_of_the_sender_and_of_the_subject(as_admin: Client, subtests: pytest.Subtests) -> None:
    for criteria, found in SEARCHES:
        with subtests.test(**criteria):
            answer = as_admin.get(folder(seed.ANNA, page="mail-list-panel"), criteria, headers=part("held"))
            assert rows(answer) == found
            for value in criteria.values():
                assert f'value="{value}"' in source(answer)  # the form says what was searched for
            assert ("No messages match this search." in source(answer)) == (not found)
            assert ">Clear</a>" in source(answer)
            assert rows(as_admin.get(folder(seed.ANNA), criteria)) == found  # the same without JavaScript


def test_the_search_by_days_takes_both_days_whole(as_admin: Client) -> None:
    row = Mail.objects.get(folder__user__email=seed.ANNA, subject__contains="Jahresabschluss")
    day = row.received_date.date()
    for after, before, found in ((0, 0, True), (-1, 1, True), (1, 2, False), (-2, -1, False)):
        asked = {"subject": "Jahresabschluss", "after": day + timedelta(days=after), "before": day + timedelta(days=before)}
        assert bool(rows(as_admin.get(folder(seed.ANNA), asked))) == found


@pytest.mark.parametrize(("zone", "after", "before"), [
    ("", "2026-03-29T00:00:00+00:00", "2026-03-30T00:00:00+00:00"),
    ("Europe/Zurich", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),  # the day the clocks go forward
    ("Asia/Tokyo", "2026-03-29T00:00:00+09:00", "2026-03-30T00:00:00+09:00"),
    ("America/Los_Angeles", "2026-03-29T00:00:00-07:00", "2026-03-30T00:00:00-07:00"),
    ("../../etc/passwd", "2026-03-29T00:00:00+00:00", "2026-03-30T00:00:00+00:00"),
])
def test_a_day_is_a_day_where_the_reader_is(
    zone: str, after: str, before: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    browser_of_somebody.cookies["timezone"] = zone
    browser_of_somebody.get("/users/u1/panels/mail/Quarantine/", {"after": "2026-03-29", "before": "2026-03-29"}, headers=part("held"))
    (asked,) = gateway.asked
    said = {name: value for name, value in asked.url.params.items() if name.startswith("received")}
    assert {name: datetime.fromtimestamp(int(value) / 1000, UTC) for name, value in said.items()} == {
        "receivedAfter": datetime.fromisoformat(after),
        "receivedBefore": datetime.fromisoformat(before) - timedelta(milliseconds=1),
    }


def test_times_are_shown_where_the_reader_is(as_admin: Client) -> None:
    row = Mail.objects.get(folder__user__email=seed.ANNA, subject__contains="Jahresabschluss")
    for zone, offset in (("Asia/Tokyo", 9), ("America/Phoenix", -7)):
        as_admin.cookies["timezone"] = zone
        local = f"{row.sent_date + timedelta(hours=offset):%Y-%m-%dT%H:%M:%S}{offset:+03d}:00"
        assert f'datetime="{local}"' in source(as_admin.get(held("Jahresabschluss", "mail-reading"), headers=part("reading")))


def test_a_search_that_makes_no_sense_keeps_the_form_and_says_so(as_admin: Client, subtests: pytest.Subtests) -> None:
    for field, value in (
        ("after", "31.02.2026"), ("before", "yesterday"), ("before", "0000-00-00"), ("sender", "x" * 201),
    ):
        with subtests.test(value[:20]):
            answer = source(as_admin.get(folder(seed.ANNA), {field: value, "subject": "Rechnung"}))
            assert f'value="{value}"' in answer
            assert 'value="Rechnung"' in answer
            assert '<p class="problem" role="alert">' in answer
            assert '<details class="search-mail" open>' in answer


def test_the_first_and_the_last_day_of_the_calendar_are_days_too(as_admin: Client, subtests: pytest.Subtests) -> None:
    everything = rows(as_admin.get(folder(seed.ANNA)))
    for zone in ("Pacific/Kiritimati", "America/Adak"):
        as_admin.cookies["timezone"] = zone
        for day, field, found in (
            ("9999-12-31", "before", everything), ("9999-12-31", "after", []), ("0001-01-01", "after", everything),
            ("0001-01-01", "before", []),
        ):
            with subtests.test(zone, day=day, field=field):
                answer = as_admin.get(folder(seed.ANNA), {field: day})
                assert rows(answer) == found
                assert 'class="failed"' not in source(answer)


def test_a_mail_of_a_search_leads_back_to_the_search(as_admin: Client) -> None:
    listed = as_admin.get(folder(seed.ANNA, page="mail-list-panel"), {"subject": "Rechnung", "sender": "rheintal", "junk": "x"}, headers=part("held"))
    link = held("Rechnung R-48213") + "?sender=rheintal&subject=Rechnung"
    alternative = held("Rechnung R-48213") + "?subject=Rechnung&sender=rheintal"
    assert f'href="{link}"' in source(listed) or f'href="{alternative}"' in source(listed)
    page = as_admin.get(alternative)
    assert rows(page) == ["[SPAM] Rechnung R-48213 zu Ihrer Bestellung 7715"]
    assert 'aria-current="true"' in source(page)  # the open mail is marked in the list beside it
    assert 'value="rheintal"' in source(page)


def test_pages_keep_the_search(as_admin: Client) -> None:
    answer = as_admin.get(folder(seed.BUSY), {"subject": "e", "page": "2"})
    assert 'href="?subject=e&page=1" rel="prev"' in source(answer)


def test_a_mailbox_without_held_mail_says_so(as_admin: Client) -> None:
    for page, headers in (("mail-list", {}), ("mail-list-panel", part("held"))):
        answer = source(as_admin.get(folder(seed.EMPTY, page=page), headers=headers))
        assert "This folder is empty." in answer
        assert "0 messages" in answer
        assert "Release selected messages" not in answer


def test_a_folder_inside_a_folder_opens(as_admin: Client) -> None:
    base = folder(seed.ANNA, "INBOX/Projekte")
    assert base.endswith("/mail/INBOX%252FProjekte/")
    answer = as_admin.get(base)
    assert rows(answer) == ["Neue Türcodes ab Montag"]
    (link,) = re.findall(rf'href="({base}[^"/]+/)"', source(answer))
    assert "<h2>Neue Türcodes ab Montag</h2>" in source(as_admin.get(link))


def test_a_folder_that_is_not_there_is_a_panel_beside_the_user(as_admin: Client) -> None:
    answer = source(as_admin.get(folder(seed.ANNA, "Nowhere")))
    assert f"<h1>{seed.ANNA}</h1>" in answer
    assert "<h2>Not found</h2>" in answer


# Folders.

def test_the_folders_show_their_counts_and_which_one_holds_mail_back(as_admin: Client) -> None:
    answer = source(as_admin.get(reverse("folders-panel", args=(user(seed.ANNA),)), {"shown": "Quarantine"}, headers=part("folders")))
    count = Mail.objects.filter(folder__user__email=seed.ANNA, folder__path="Quarantine").count()
    shield = r'<svg[^>]*><use href="[^"]*#shield"/></svg>'
    assert re.search(rf'aria-current="true">\s*{shield}<span>Quarantine</span>\s*<span[^>]*>{count}<', answer)
    assert re.findall(r"</svg><span>([^<]+)</span>", answer) == ["INBOX", "Quarantine", "Sent"]


@pytest.mark.parametrize(("path", "inside"), [("INBOX", ["Projekte"]), ("INBOX/Projekte", ["2026"]), ("Sent", [])])
def test_the_folders_inside_a_folder_come_when_it_is_opened(path: str, inside: list[str], as_admin: Client) -> None:
    url = reverse("subfolders", args=(user(seed.ANNA),)) + f"?path={quote(path, safe='')}"
    answer = source(as_admin.get(url, headers={"HX-Request": "true"}))
    assert re.findall(r"</svg><span>([^<]+)</span>", answer) == inside
    assert ("No subfolders" in answer) == (not inside)
    deeper = re.findall(r'aria-label="Subfolders of ([^"]+)"', answer)
    assert deeper == [f"{path}/{name}" for name in inside], "each can be opened in its turn (childrenUri, r:6471)"
    assert "<html" in source(as_admin.get(url))  # without JavaScript, a page


def test_without_javascript_the_mailbox_leads_to_the_held_mail_and_to_the_folders(as_admin: Client) -> None:
    mailbox = reverse("mailbox", args=(user(seed.ANNA),))
    assert as_admin.get(mailbox)["Location"] == folder(seed.ANNA)
    answer = source(as_admin.get(reverse("folders", args=(user(seed.ANNA),))))
    assert f"<h1>{seed.ANNA}</h1>" in answer
    assert f'href="{folder(seed.ANNA, "Sent")}"' in answer


def test_held_mail_in_a_folder_of_another_name_is_found(browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/users/u1/emails/Quarantine":
                return httpx.Response(404, json={"code": 404})
            case "/users/u1/emails/folders":
                return httpx.Response(200, json=[{"name": "INBOX", "path": "INBOX"}, {"name": "Spam", "path": "INBOX/Spam"}])
            case "/users/u1":
                return httpx.Response(200, json={"id": "u1"})
        return httpx.Response(200, json=[{"id": "m1", "subject": "here"}])

    gateway.answer = answer
    listed = browser_of_somebody.get("/users/u1/panels/mail/Quarantine/?newest", headers=part("held"))
    assert rows(listed) == ["here"]
    assert "<h2>INBOX/Spam</h2>" in source(listed)
    assert 'href="/users/u1/mail/INBOX%252FSpam/m1/"' in source(listed)
    assert calls(listed) == 3
    # It is looked for once in a session.
    assert 'hx-get="/users/u1/panels/mail/INBOX%252FSpam/?newest"' in source(browser_of_somebody.get("/users/u1/"))
    again = browser_of_somebody.get("/users/u1/panels/mail/INBOX%252FSpam/", headers=part("held"))
    assert calls(again) == 1


def test_a_mail_opened_by_its_address_has_held_mail_of_another_folder_beside_it(browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/users/u1/emails/folders":
                return httpx.Response(200, json=[{"name": "Spam", "path": "Spam"}])
            case "/users/u1":
                return httpx.Response(200, json={"id": "u1"})
            case "/users/u1/emails/Spam":
                return httpx.Response(200, json=[{"id": "m1", "subject": "here"}])
        return httpx.Response(404, json={"code": 404})

    gateway.answer = answer
    page = browser_of_somebody.get("/users/u1/mail/Quarantine/m1/")
    assert page.status_code == 404
    assert rows(page) == ["here"]
    assert browser_of_somebody.get("/users/u1/mail/")["Location"] == "/users/u1/mail/Spam/", "the session has learnt it"


@pytest.mark.parametrize("place", [0, 1], ids=["made here", "made beside it"])
def test_a_call_beside_others_that_writes_the_session_is_found_out(place: int, browser_of_somebody: Client) -> None:
    request = browser_of_somebody.get("/account/").wsgi_request
    calls = [lambda: None, lambda: None]
    calls[place] = lambda: session.remember_held_folder(request, "Spam")
    with pytest.raises(AssertionError, match="writes the session"):
        together(*calls)
    assert session.held_folder(request) == "Quarantine"


def test_what_a_person_searches_for_is_put_into_the_address_and_what_the_page_asks_by_itself_is_not(as_admin: Client) -> None:
    panel = folder(seed.ANNA, page="mail-list-panel")
    searched = as_admin.get(panel, {"subject": "Rücksendung", "page": "1"}, headers=part("held"))
    assert searched["HX-Push-Url"] == folder(seed.ANNA) + "?subject=R%C3%BCcksendung&page=1"
    assert "HX-Push-Url" not in as_admin.get(panel + "?newest", headers=part("held"))
    shown = source(as_admin.get(panel, {"subject": "Rechnung"}, headers=part("held")))
    pushed = re.findall(r'<a href="([^"]*)" hx-get="([^"]*)" hx-target="#reading" hx-push-url="([^"]*)"', shown)
    assert pushed
    for link, asked, address in pushed:
        assert link == address, "what is shown in the address opens a whole page"
        assert asked == link.replace("/?", "/reading/?")


def test_no_folder_for_held_mail_is_an_error_and_not_a_search_without_end(browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        folders = [{"path": "INBOX"}, {"path": "Quarantine"}, {"path": "Junk"}]
        return httpx.Response(200, json=folders) if request.url.path.endswith("/folders") else httpx.Response(404, json={})

    gateway.answer = answer
    assert browser_of_somebody.get("/users/u1/panels/mail/Quarantine/", headers=part("held")).status_code == 404
    assert len(gateway.asked) < 5


# What a page costs.

def test_each_page_asks_the_gateway_as_little_as_promised(as_admin: Client) -> None:
    hub = reverse("user-hub", args=(user(seed.ANNA),))
    assert calls(as_admin.get(hub)) == 1
    assert calls(as_admin.get(folder(seed.ANNA, page="mail-list-panel") + "?newest", headers=part("held"))) == 1
    assert calls(as_admin.get(held("Rechnung R-48213", "mail-reading"), headers=part("reading"))) == 1
    assert calls(as_admin.get(hub + "panels/folders/", headers=part("folders"))) == 1
    assert calls(as_admin.get(folder(seed.ANNA))) == 2
    assert calls(as_admin.get(held("Rechnung R-48213"))) == 3


# Reading as an administrator: everything about the mail, and nothing of what is in it.

def test_an_administrator_sees_why_it_is_held_and_nothing_of_the_text(as_admin: Client) -> None:
    shown = source(as_admin.get(held("Rechnung R-48213", "mail-reading"), headers=part("reading")))
    assert re.search(r"Held as spam: it scored 5\.4, and 5(\.0)? or more is treated as spam here\.", shown)
    passed = re.findall(r'<li class="chip ok" title="rheintal-papier.example">(.*?)</li>', shown)
    assert passed == ["SPF: passed", "DKIM: passed", "DMARC: passed"]
    assert "Confirmed to come from rheintal-papier.example." in shown
    assert "<code>T_INVOICE</code>" in shown
    assert ">Rechnung-R-48213.pdf</a>" in shown  # the document keeps content and source for the owner, and no file
    assert "Only the mailbox owner can read the text." in shown
    for missing in ("CHF 1'284.50", "<iframe", "<pre", "/source/", "view=html"):
        assert missing not in shown


SENTENCES = [
    ("Ihr Passwort", "Held as spam: it scored 14.8"),
    ("Vertraulich", "Held because it failed sender verification."),
    ("Facture", "Held because the virus scanner found Eicar-Test-Signature in it."),
    ("auf Paletten", "Held as advertising"),
    ("Tourenplan", "Held because it contains a file type that is not allowed here."),
    ("Kaputte", "Held because its text encoding is broken."),
    ("Wer hat das", "Held because its headers break the rules for email."),
    ("Adressen zum", "Held because a sender rule blocks this sender."),
    ("Passwort", "Replies go to a different address: helpdesk.nordwind@gmail.com."),
    ("Vertraulich", "Replies go to a different address: martin.nordwind.ceo@gmail.com."),
    ("Vertraulich", "Not confirmed to come from nordwind.example: anyone can fake this sender."),
    ("Re: Ihre Anfrage", "The sender's name shows a different address (ceo@nordwind.example) from the one the message comes from."),
    ("Wer hat das", "This message has no usable sender address."),
    ("<script>", "This message has no usable sender address."),
    ("Vertraulich", "SPF: failed"),  # what the sender wrote below the gateway's own headers counts for nothing
    ("gewonnen", "SPF: neutral"),
]


def test_the_reading_pane_says_what_the_headers_mean(as_admin: Client, subtests: pytest.Subtests) -> None:
    for subject, said in SENTENCES:
        with subtests.test(subject, said=said):
            assert said in source(as_admin.get(held(subject, "mail-reading"), headers=part("reading")))


def test_where_there_is_no_sender_no_button_and_no_sentence_speaks_of_one(as_admin: Client) -> None:
    for subject in ("Wer hat das", "<script>"):
        shown = source(as_admin.get(held(subject, "mail-reading"), headers=part("reading")))
        assert 'name="allow" value=""' in shown
        assert 'name="allow" value="mailbox"' not in shown
        assert "Block sender <kbd>" not in shown
        assert "come from :" not in shown


def test_a_mail_without_a_subject_says_so(as_admin: Client) -> None:
    row = Mail.objects.get(folder__user__email=seed.ANNA, subject="")
    shown = source(as_admin.get(reverse("mail-read", args=(user(seed.ANNA), "Quarantine", row.fuglu_id))))
    assert "<h2><em>(no subject)</em></h2>" in shown


def test_an_administrator_gets_files_and_no_source(as_admin: Client) -> None:
    for page, more, status in (("mail-source", (), 404), ("all-attachments", (), 200), ("attachment", ("2",), 200)):
        answer = as_admin.get(held("Rechnung R-48213", page, *more))
        assert answer.status_code == status
        assert ("Content-Disposition" in answer) == (status == 200)
    assert "CHF" not in source(as_admin.get(held("Rechnung R-48213", "mail-body")))


# Reading as the owner.

def test_the_owner_reads_the_text(as_owner: Client) -> None:
    shown = source(as_owner.get(held("Rechnung R-48213", "mail-reading"), headers=part("reading")))
    assert '<pre class="text"' in shown
    assert "CHF 1'284.50" in shown
    assert "Only the mailbox owner" not in shown
    assert f'href="{held("Rechnung R-48213", "attachment", "2")}?name=Rechnung-R-48213.pdf">Rechnung-R-48213.pdf</a>' in shown
    assert 'value="domain"' not in shown  # a rule for a whole domain is not for its users


ALPHABETS = [
    ("お見積り", "お見積りをお送りいたします。"), ("Réunion", "été, cœur, garçon"), ("Tilbud", "Vedhæftet vores tilbud."),
    ("Kaputte", "das ist kein UTF-8: äöü"), ("Vertraulich", "EUR 48'700"), ("Jahresabschluss", "Siehe die angehängte Mail."),
]


def test_the_owner_reads_every_alphabet(as_owner: Client, subtests: pytest.Subtests) -> None:
    for subject, said in ALPHABETS:
        with subtests.test(subject):
            assert said in source(as_owner.get(held(subject, "mail-reading"), headers=part("reading")))


def test_links_are_shown_with_where_they_really_go(as_owner: Client) -> None:
    shown = source(as_owner.get(held("Ihr Passwort", "mail-reading"), headers=part("reading")))
    odd = re.findall(r'<li class="odd">.*?misleading</span> (.*?) <span class="muted">→</span> <code>(.*?)</code>', shown)
    assert ("https://portal.nordwind.example/login", f"http://{seedmail.PHISH_HOST}/login") in odd
    assert "<details open>" in shown
    assert 'href="http' not in shown  # none of them can be followed by mistake


def test_the_html_of_a_mail_is_in_a_frame_that_can_do_nothing(as_owner: Client) -> None:
    url = held("auf Paletten")
    pane = held("auf Paletten", "mail-reading")
    plain = source(as_owner.get(pane, headers=part("reading")))
    assert "<iframe" not in plain
    shown = source(as_owner.get(pane + "?view=html", headers=part("reading")))
    frame = f'<iframe class="body" src="{held("auf Paletten", "mail-body")}" sandbox="'
    assert frame + 'allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "Scripts, forms and remote images are blocked." in shown
    assert f'href="{url}?view=html&images=1"' in shown
    pictures = source(as_owner.get(pane + "?view=html&images=1", headers=part("reading")))
    assert f'src="{held("auf Paletten", "mail-body")}?images=1"' in pictures
    assert "their servers can see that this message is being read" in pictures


def test_the_frame_of_a_mail_comes_with_a_policy_that_forbids_everything(as_owner: Client) -> None:
    answer = as_owner.get(held("<script>", "mail-body"))
    policy = dict(rule.strip().partition(" ")[::2] for rule in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert policy["img-src"] == "data:"
    assert policy["frame-ancestors"] == "'self'"
    assert "allow-scripts" not in policy["sandbox"]
    assert "allow-same-origin" not in policy["sandbox"]
    assert "script-src" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert as_owner.get(held("<script>"))["X-Frame-Options"] == "DENY"


def test_nothing_of_a_hostile_mail_acts_asks_or_loads(as_owner: Client) -> None:
    for images in ("", "?images=1"):
        body = source(as_owner.get(held("<script>", "mail-body") + images))
        assert "Text, der bleiben darf." in body
        tags = set(re.findall(r"<([a-z0-9]+)", body.partition("<body>")[2]))
        assert tags <= {"h1", "img", "a", "p", "details"}
        for gone in (
            "script", "onclick", "onerror", "ontoggle", "javascript:", "data:text", "position", "<base", "http-equiv", "/steal",
            "csrf", "autofocus", "srcdoc", "_top", "<form", "<input", "<style>@", "http://tracker.example",
        ):
            assert gone not in body.lower()
        assert body.count("tracker.example") == bool(images)  # the one picture that was asked for, and no style sheet
        assert re.findall(r'href="([^"]*)"', body) == ["http://evil.example/"]
        assert 'target="_blank"' in body


def test_remote_images_load_only_when_asked_for_and_only_safely(browser_of_somebody: Client, gateway: Gateway) -> None:
    markup = (
        '<p>x</p><img src="https://t.example/a.gif"><img src="http://t.example/b.gif"><img src="//t.example/c.gif">'
        '<img src="data:image/svg+xml;base64,AAAA"><img src="data:image/png;base64,AAAA">'
    )
    gateway.answer = lambda request: httpx.Response(200, json={"id": "m", "content": markup})
    without = browser_of_somebody.get("/users/u1/mail/Quarantine/m/body/")
    assert re.findall(r'src="([^"]*)"', source(without)) == ["data:image/png;base64,AAAA"]
    assert "img-src data:;" in without["Content-Security-Policy"]
    asked = browser_of_somebody.get("/users/u1/mail/Quarantine/m/body/?images=1")
    pictures = ["https://t.example/a.gif", "https://t.example/b.gif", "data:image/png;base64,AAAA"]  # never without encryption
    assert re.findall(r'src="([^"]*)"', source(asked)) == pictures
    assert "img-src data: https:;" in asked["Content-Security-Policy"]
    assert source(asked).count('referrerpolicy="no-referrer"') == 5


def test_pictures_that_came_with_the_mail_are_shown(as_owner: Client) -> None:
    body = source(as_owner.get(held("Votre carton", "mail-body")))
    assert '<img src="data:image/png;base64,' in body
    shown = source(as_owner.get(held("Votre carton", "mail-reading") + "?view=html", headers=part("reading")))
    assert "Scripts and forms are blocked." in shown
    assert "Show remote images" not in shown


# Files.

def attached(answer: HttpResponse) -> tuple[str, bytes]:
    """The name and the bytes of a download, which no browser opens by itself."""
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "no-store"
    said = re.fullmatch(r"attachment; filename(?:=\"(.*)\"|\*=utf-8''(.*))", answer["Content-Disposition"])
    assert said, answer["Content-Disposition"]
    return html.unescape(said[1] or said[2]), answer.getvalue()


def test_the_owner_saves_a_file_the_whole_mail_and_all_files(as_owner: Client) -> None:
    name, data = attached(as_owner.get(held("Rechnung R-48213", "attachment", "2") + "?name=Rechnung-R-48213.pdf"))
    assert name == "Rechnung-R-48213.pdf"
    assert data.startswith(b"%PDF-1.4")
    name, data = attached(as_owner.get(held("Rechnung R-48213", "mail-source")))
    assert name == "mail.eml"
    assert b"Subject: [SPAM] Rechnung R-48213" in data
    shown = source(as_owner.get(held("Bewerbung", "mail-reading"), headers=part("reading")))
    assert f'href="{held("Bewerbung", "all-attachments")}"' in shown
    name, data = attached(as_owner.get(held("Bewerbung", "all-attachments")))
    assert name == "attachments.zip"
    assert zipfile.ZipFile(BytesIO(data)).namelist() == ["Lebenslauf Brunner.pdf", "Zeugnisse.zip"]


@pytest.mark.parametrize("listed", [[{"id": "2", "name": "Rechnung.pdf"}], {"count": 1, "attachments": [{"id": "2", "name": "Rechnung.pdf"}]}])
def test_files_are_shown_whichever_way_the_gateway_lists_them(listed: object, browser_of_somebody: Client, gateway: Gateway) -> None:
    message = {"id": "m", "subject": "S", "from": "a@a.example", "attachments": listed}
    gateway.answer = lambda request: httpx.Response(200, json={"id": "u"} if "/emails/" not in request.url.path else message)
    assert "Rechnung.pdf" in browser_of_somebody.get("/users/u/mail/Quarantine/m/", headers={"HX-Request": "true", "HX-Target": "reading"}).content.decode()


def test_the_name_of_a_file_is_only_a_name(as_owner: Client) -> None:
    shown = as_owner.get(held("<script>", "mail-reading"), headers=part("reading")).content.decode()
    links = re.findall(r'href="([^"]*/attachments/[^"]*\?name=[^"]*)"', shown)
    assert len(links) == 5
    for link in links:
        name, data = attached(as_owner.get(html.unescape(link)))
        assert data
        assert not set(name) & set("/\\<>:*?\"|\r\n")
        assert not name.startswith(".")
        assert "\n" not in as_owner.get(html.unescape(link) + "%0d%0aX-Evil:1")["Content-Disposition"]


def test_a_file_without_a_name_gets_one(as_owner: Client) -> None:
    for query in ("", "?name=", "?name=%2e%2e", "?name=///", "?name=%e2%80%ae"):
        assert attached(as_owner.get(held("Rechnung R-48213", "attachment", "2") + query))[0] in ("part-2", "file", "_")


def test_a_file_that_is_not_there_is_a_page_and_no_download(as_owner: Client) -> None:
    answer = as_owner.get(held("Rechnung R-48213", "attachment", "9"))
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in html.unescape(answer.content.decode())


def test_the_files_of_an_infected_mail_are_not_linked(as_owner: Client) -> None:
    shown = source(as_owner.get(held("Facture", "mail-reading"), headers=part("reading")))
    assert "<span>facture_2231.pdf.com</span>" in shown
    assert "/attachments/" not in shown
    assert "The files of an infected message cannot be downloaded here." in shown


# Mail that was delivered.

def test_delivered_mail_has_no_button_to_release_it(as_admin: Client) -> None:
    (link,) = re.findall(r'<a href="([^"]+)" hx-get', as_admin.get(folder(seed.ANNA, "Sent")).content.decode())
    shown = source(as_admin.get(link, headers=part("reading")))
    assert "What the checks found" in shown
    assert "Why it is held" not in shown
    assert 'name="allow"' not in shown


def test_a_mail_that_is_gone_says_so_beside_the_list(as_admin: Client) -> None:
    answer = as_admin.get(reverse("mail-read", args=(user(seed.ANNA), "Quarantine", "0" * 32)))
    assert answer.status_code == 404
    said = html.unescape(answer.content.decode())
    assert "<h2>Not found</h2>" in said
    assert len(rows(answer)) > 20
    assert f"<h1>{seed.ANNA}</h1>" in said


def test_only_the_newest_mail_opens_by_itself_and_never_the_own(as_admin: Client, as_owner: Client) -> None:
    opened = source(as_admin.get(folder(seed.ANNA, page="mail-list-panel") + "?newest", headers=part("held")))
    assert opened.count("data-newest") == 1
    assert 'data-newest="open"' in opened
    assert 'data-newest="focus"' in source(as_owner.get(folder(seed.ANNA, page="mail-list-panel") + "?newest", headers=part("held")))
    assert "data-newest" not in source(as_admin.get(folder(seed.ANNA, page="mail-list-panel"), headers=part("held")))


def test_the_name_of_a_user_is_text(as_admin: Client) -> None:
    hub = as_admin.get(reverse("user-hub", args=(user(seed.HOSTILE),)))
    assert "<img src=x onerror=alert(1)>" in source(hub)
    assert b"<img" not in hub.content


# What messages are made of.

MESSAGE = "/users/u1/mail/Quarantine/m/"


def given(gateway: Gateway, **more: object) -> None:
    """The gateway's one message."""
    gateway.answer = lambda request: httpx.Response(200, json={"id": "m", "subject": "S", "from": "a@a.example", **more})


def test_the_file_of_the_whole_message_has_the_same_bytes(browser_of_somebody: Client, gateway: Gateway) -> None:
    raw = b"Subject: x\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n" + "Здравствуйте".encode("cp1251") + b"\x00\xff"
    given(gateway, source=raw.decode("latin-1"))
    assert attached(browser_of_somebody.get(MESSAGE + "source/")) == ("mail.eml", raw)
    shown = source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert "Здравствуйте" in shown
    assert "may differ from the original" not in shown
    given(gateway, source="Content-Type: text/plain; charset=windows-1251\r\n\r\nЗдравствуйте")
    shown = source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert "Здравствуйте" in shown
    assert "The gateway sent this message as decoded text, so the file may differ from the original." in shown
    assert attached(browser_of_somebody.get(MESSAGE + "source/"))[1].endswith("Здравствуйте".encode())


FORWARDED = """Content-Type: multipart/mixed; boundary=A

--A
Content-Type: text/html

<p>AUSSEN</p>
--A
Content-Type: message/rfc822

From: "<b>Chef</b>" <chef@a.example>
To: anna@a.example
Subject: <i>INNEN</i>
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: text/html

<p>Innerer Text <img src=x onerror=alert(1)><a href="https://evil.example">bank.example</a></p>
--B
Content-Type: application/pdf; name="Rechnung\u202efdp.exe"

x
--B
Content-Type: message/rfc822

Subject: ganz innen

Letzter Text
--B--
--A--
"""


def test_an_attached_message_is_opened_on_a_page_of_its_own_and_is_never_the_text(browser_of_somebody: Client, gateway: Gateway) -> None:
    given(gateway, source=FORWARDED)
    shown = source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert "AUSSEN" in shown
    assert "Innerer Text" not in shown
    assert f'<a href="{MESSAGE}attached/1/"><bdi><i>INNEN</i></bdi></a>' in shown
    answer = browser_of_somebody.get(MESSAGE + "attached/1/")
    opened = source(answer)
    assert b"<i>INNEN" not in answer.content
    assert "<h1><i>INNEN</i></h1>" in opened
    assert "chef@a.example" in opened
    assert "Innerer Text" in opened
    assert "AUSSEN" not in opened
    assert '<span class="chip bad">misleading</span>' in opened
    assert '<bdi>Rechnung[U+202E]fdp.exe</bdi> <span class="chip bad">misleading name</span>' in opened
    assert "hx-get" not in opened.partition('<section aria-labelledby="text">')[2].partition("</section>")[0]
    assert f'src="{MESSAGE}body/?of=1"' in source(browser_of_somebody.get(MESSAGE + "attached/1/?view=html"))
    frame = browser_of_somebody.get(MESSAGE + "body/?of=1")
    assert "Innerer Text" in source(frame)
    assert "onerror" not in source(frame)
    assert f'href="{MESSAGE}attached/1.1/"' in opened
    assert "Letzter Text" in source(browser_of_somebody.get(MESSAGE + "attached/1.1/"))
    for none in ("attached/2/", "attached/x/", "attached/1.2/", "body/?of=7"):
        assert browser_of_somebody.get(MESSAGE + none).status_code == 404


def test_who_gets_no_source_gets_no_attached_message(as_admin: Client) -> None:
    assert as_admin.get(held("Jahresabschluss", "mail-attached", "1")).status_code == 404


def test_the_owner_opens_the_message_that_is_attached_to_held_mail(as_owner: Client) -> None:
    shown = source(as_owner.get(held("Jahresabschluss", "mail-reading"), headers=part("reading")))
    link = re.search(r'href="([^"]+/attached/1/)"', shown)
    assert link
    assert "This is an attached message." in source(as_owner.get(link[1]))


def test_hidden_text_is_marked_where_it_stands(browser_of_somebody: Client, gateway: Gateway) -> None:
    given(gateway, source="Content-Type: text/html\n\n<p>Ihr Pass<span style='font-size:0'>xkq9</span>wort</p>")
    shown = source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert 'Ihr Pass<mark class="hidden-text">[hidden: xkq9]</mark>wort' in shown


INVITATION = """Content-Type: text/calendar; method=REQUEST; charset=utf-8

BEGIN:VEVENT
SUMMARY:<b>Sitzung</b>
DTSTART;TZID=Europe/Zurich:20261130T090000
DTEND:20261130T090000Z
LOCATION:Zimmer 3
ORGANIZER;CN=Peter:mailto:peter@a.example
DESCRIPTION:Bitte kommen
END:VEVENT
"""


def test_an_invitation_shows_its_facts(browser_of_somebody: Client, gateway: Gateway) -> None:
    given(gateway, source=INVITATION)
    shown = source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    for fact in ("Invitation: <b>Sitzung</b>", "(Europe/Zurich)", "(UTC)", "Zimmer 3", "Peter <peter@a.example>", "Bitte kommen"):
        assert fact in shown
    assert b"<b>Sitzung" not in browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")).content


def test_a_signed_message_says_that_it_is(browser_of_somebody: Client, gateway: Gateway) -> None:
    given(gateway, source="Content-Type: multipart/signed; boundary=A; protocol=application/pgp-signature\n\n--A\n\nText\n--A--")
    shown = source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert "This message is signed (PGP). The signature is not checked here." in shown
    assert "Text</pre>" in shown


def test_a_subject_that_a_gateway_could_not_read_is_read_here(browser_of_somebody: Client, gateway: Gateway) -> None:
    given(gateway, subject="=?koi8-r*ru?B?8NLJ18XUIMnaIOvB2sHOyQ==?=")
    assert "<h2>Привет из Казани</h2>" in source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    raw = b"Subject: " + "Счёт".encode("cp1251") + b"\nContent-Type: text/plain; charset=windows-1251\n\nx"
    given(gateway, subject="\ufffd\ufffd", source=raw.decode("latin-1"))
    assert "<h2>Счёт</h2>" in source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))


def test_files_that_a_gateway_does_not_list_are_named(browser_of_somebody: Client, gateway: Gateway) -> None:
    given(gateway, source="Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: application/x; name=rimborso.exe\n\nMZ\n--A--")
    assert "<bdi>rimborso.exe</bdi>" in source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))


# Much of everything: what is shown is what a person can look at, and the rest is a number.

def shown_of(answer: HttpResponse) -> str:
    assert len(answer.content) < 3_000_000
    return source(answer)


def test_of_very_many_files_the_first_are_shown(browser_of_somebody: Client, gateway: Gateway) -> None:
    files = [{"id": str(n), "name": f"{n}.pdf", "size": n} for n in range(100_000)]
    given(gateway, source="x: y\n\nz", attachments={"attachments": files})
    shown = shown_of(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert ">199.pdf</a>" in shown
    assert ">200.pdf</a>" not in shown
    assert "and 99800 more" in shown
    given(gateway, attachments={"attachments": [{"id": "1", "name": "n" * 3_000_000, "type": "t" * 3_000_000}]})
    shown_of(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))


def test_of_very_many_and_very_long_headers_the_first_are_shown(browser_of_somebody: Client, gateway: Gateway) -> None:
    given(gateway, headers={"Received": ["r"] * 1_000_000, "X-After": "y"})
    shown = shown_of(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert shown.count("<dt>Received</dt>") == 200
    assert "and 999801 more" in shown
    given(gateway, headers={"X-Long": "&" * 5_000_000, "n" * 1_000_000: "x", **{f"X-{n}": "'" * 9000 for n in range(300)}})
    shown_of(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))


def test_very_long_subjects_and_very_many_people_are_cut(browser_of_somebody: Client, gateway: Gateway) -> None:
    people = [f"p{n}@a.example" for n in range(300_000)]
    given(gateway, subject="'" * 3_000_000, to=people, cc=["&" * 3_000_000], **{"from": "<" * 1_000_000})
    shown_of(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))


def test_of_very_many_folders_the_first_are_shown(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(200, json=[{"name": f"f{n}", "path": f"f{n}"} for n in range(100_000)])
    for url in ("/users/u1/panels/folders/", "/users/u1/subfolders/?path=x"):
        shown = shown_of(browser_of_somebody.get(url, headers=part("folders")))
        assert "<span>f199</span>" in shown
        assert "<span>f200</span>" not in shown
        assert "and 99800 more" in shown


def test_of_very_many_attached_messages_the_first_are_shown(browser_of_somebody: Client, gateway: Gateway) -> None:
    one = "--A\nContent-Type: message/rfc822\n\nSubject: '''''\n\nx\n"
    given(gateway, source="Content-Type: multipart/mixed; boundary=A\n\n" + one * 20_000 + "--A--")
    shown = shown_of(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    assert "It is too long to show in full here." in shown


def test_large_messages_are_taken_apart_one_at_a_time(browser_of_somebody: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE", 0)
    given(gateway, source="Subject: x\n\n" + "x" * (body.LARGE_SOURCE + 1))
    with body._large:
        shown = source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
        assert "Another large message is being read right now." in shown
        assert "This message has no text." not in shown
        assert browser_of_somebody.get(MESSAGE + "body/").status_code == 503
        given(gateway, source="Subject: x\n\nsmall")
        assert "small" in source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
    given(gateway, source="Subject: x\n\n" + "x" * (body.LARGE_SOURCE + 1))
    assert "Another large" not in source(browser_of_somebody.get(MESSAGE + "reading/", headers=part("reading")))
