"""Mail of the kinds that mail programs read wrongly, through the pages that a person opens.

Each case is a message, cases/NAME.eml, beside what has to be shown of it, cases/NAME.json: `subject`, `from`, `text` (pieces, in
this order), `attachments` (their names as they are in the message) and `flags` (what the pages warn of or say, and nothing else;
the words are those of `flags` below). Some have `not` (must not be in the text), `inside` (is in the attached message when that
is opened), `in_the_text` (files that only its owner sees the names of), `facts` (of an invitation) and `links` (are listed).
Flags of a body are for its owner only.
"""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from selectolax.lexbor import LexborHTMLParser, LexborNode

from sandbox import seed
from sandbox.models import User

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.eml"))
UNKNOWN_TEXT = "This message has no text."

# What a warning says, and what the cases call it.
WARNINGS = {
    r"Replies go to a different address: (.+)\.": r"answers: \1",
    r"This message names several senders: .*": "several senders",
    r"It says that .* sent it on their behalf\.": "",
    r"This message has no sender.*": "names no sender",
    r"The sender's name shows a different address .*": "masked",
    r"The sender's domain contains letters that can look like others.*": "odd letters",
}
NOTES = {
    r"This (?:message|mail) is signed .*": "signed", r"This (?:message|mail) is encrypted .*": "encrypted",
    r"This is a delivery report .*": "delivery report", r"This is a read receipt\.": "read receipt",
}
OF_THE_BODY = ("hidden: ", "attached: ", "misleading link", "signed", "encrypted", "delivery report", "read receipt", "Invitation: ", "Cancellation: ")


@pytest.fixture
def delivered(sandbox: dict[str, str]) -> dict[str, str]:
    """The ids of all cases, put into a mailbox, by their names."""
    out = StringIO()
    call_command("sandbox", "deliver", "--to", seed.ANNA, *(str(CASES / f"{name}.eml") for name in NAMES), stdout=out)
    lines = [line.rsplit(" ", 1) for line in out.getvalue().splitlines()]
    assert [Path(path).stem for path, _ in lines] == NAMES
    return {Path(path).stem: mail_id for path, mail_id in lines}


def page(address: str, browser: Client, query: dict[str, str] | None = None) -> LexborHTMLParser:
    answer = browser.get(address, query or {})
    assert answer.status_code == 200, answer
    return LexborHTMLParser(answer.getvalue().decode())


def words(node: LexborNode | None) -> str:
    """What a person reads in it, in one line."""
    return " ".join(node.text().split()) if node else ""


def visible(text: str) -> str:
    """A text as our pages spell it: marks of direction as their numbers."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", lambda found: f"[U+{ord(found[0]):04X}]", text)


def rows(browser: Client, base: str) -> dict[str, LexborNode]:
    """All rows of a folder's list, by the id of the mail."""
    found, number = {}, 1
    while True:
        shown = page(base, browser, {"page": str(number)}).css("ol.mails li.mail")
        ids = [row.css_first("input[name=mail]").attributes["value"] for row in shown]
        if not ids or ids[0] in found:
            return found
        found |= dict(zip(ids, shown, strict=True))
        number += 1


def flags(shown: LexborHTMLParser) -> list[str]:
    """Everything that the page warns of, and what it says of the message's kind, in the words of the cases."""
    found = []
    pane = shown.css_first(".opened")
    for notice in pane.css(".notice"):
        said = words(notice)
        for pattern, flag in (WARNINGS | NOTES).items():
            if match := re.fullmatch(pattern, said):
                found += [one for one in [match.expand(flag)] if one and one not in found]
                break
        else:
            if not said.startswith("Only the mailbox owner"):
                found.append(f"notice: {said}")
    why = words(pane.css_first(".why"))
    found += ["proven"] if "Confirmed to come from" in why else ["not proven"] if "Not confirmed to come from" in why else []
    hidden = [words(mark).removeprefix("[hidden:").removesuffix("]").strip() for mark in pane.css("pre mark")]
    found += [f"hidden: {' '.join(hidden)}"] if hidden else []
    found += [f"attached: {words(link)}" for link in pane.css("a[href*='/attached/']")]
    found += ["misleading link" for _ in pane.css("ul.links .chip.bad")]
    found += ["disguised file" for _ in pane.css("ul.files .chip.bad")]
    found += [words(event.css_first("strong")) for event in pane.css(".invitation")]
    heads = {words(line.css_first("dt")): line.css_first("dd") for line in pane.css("header dl.heads > div")}
    found += ["no return address"] if words(heads.get("Sent by")).startswith("<>") else []
    if "cannot be right" in words(heads["Sent"]):
        found += ["impossible date", f"year: {heads['Sent'].css_first('time').attributes['datetime'][:4]}"]
    return sorted(found)


def compare(shown: LexborHTMLParser, row: LexborNode, case: dict[str, Any], *, owner: bool) -> None:
    """What everybody sees, in the list and on the page: subject, sender, files, and what the page says of them."""
    pane = shown.css_first(".opened")
    assert words(pane.css_first("h2")) == visible(case["subject"])
    assert words(row.css_first(".subject")) == visible(case["subject"])
    heads = {words(line.css_first("dt")): line.css_first("dd") for line in pane.css("header dl.heads > div")}
    sender, address = heads["From"], words(heads["From"].css_first(".address"))
    name = words(sender).removesuffix(address).strip()
    if case["from"]:
        assert (f"{name} <{address}>" if name else address) == case["from"]
        assert words(row.css_first(".from")) in (name or address, visible(name))
        if "@" in address:  # a rule can be made for this sender
            assert "block" in [button.attributes.get("name") for button in pane.css("form.acts button")]
    else:
        assert address == ""
    names = [words(item.css_first("bdi, a, span")) for item in pane.css("section[aria-labelledby=files] ul.files li")]
    assert names == [visible(name) for name in (*case["attachments"], *(case.get("in_the_text", ()) if owner else ()))]
    assert bool(row.css_first("svg[role=img]")) == bool(case["attachments"])
    assert flags(shown) == sorted(flag for flag in case["flags"] if owner or not flag.startswith(OF_THE_BODY))
    for flag in case["flags"]:
        if flag.startswith("year: "):
            assert flag.removeprefix("year: ") in words(row.css_first("time"))
    for node in (*shown.css(".opened *"), *row.css("*")):
        if not node.css("*"):  # nothing is left that turns around what stands behind it
            assert not re.search("[\u202a-\u202e\u2066-\u2069]", node.text() or "") or node.tag in ("bdi", "a", "dd", "title")


def texts_in_order(shown: str, pieces: list[str]) -> None:
    at = 0
    for piece in pieces:
        found = shown.find(piece, at)
        assert found >= 0, f"{piece!r} is not in {shown[at:]!r}"
        at = found + len(piece)


def test_every_case_is_shown_right_to_the_owner(
    delivered: dict[str, str], as_owner: Client, subtests: pytest.Subtests,
) -> None:
    base = reverse("mail-list", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine"))
    listed = rows(as_owner, base)
    for name, mail_id in delivered.items():
        case = json.loads((CASES / f"{name}.json").read_text())
        source = (CASES / f"{name}.eml").read_bytes()
        with subtests.test(name):
            shown = page(f"{base}{mail_id}/", as_owner)
            compare(shown, listed[mail_id], case, owner=True)
            text = " ".join("".join(run.text() for run in shown.css("pre.text")).split())
            texts_in_order(text, case["text"] or [UNKNOWN_TEXT] * ("facts" not in case))
            assert not [piece for piece in case.get("not", ()) if piece in text]
            for link in case.get("links", ()):
                assert link in words(shown.css_first("ul.links"))
            for fact in case.get("facts", ()):
                assert fact in words(shown.css_first(".invitation"))
            # Everything can be had: the message with the same bytes, each file, an attached message opened.
            (save,) = [one for one in shown.css("details.headers a") if one.attributes["href"].endswith("/source/")]
            assert as_owner.get(save.attributes["href"]).getvalue().endswith(source)
            files = [link.attributes["href"] for link in shown.css("section[aria-labelledby=files] ul.files a[href*='/attachments/']")]
            assert len(files) == len(case["attachments"])
            for href in files:
                got = as_owner.get(href)
                assert got.status_code == 200 and got.getvalue()
                assert not re.search("[\u202a-\u202e\u2066-\u2069]", got["Content-Disposition"])
            inside = " ".join(
                words(page(link.attributes["href"], as_owner).css_first("pre.text")) for link in shown.css("a[href*='/attached/']")
            )
            texts_in_order(inside, case.get("inside", []))


def test_every_case_is_shown_right_to_an_administrator(
    delivered: dict[str, str], as_admin: Client, subtests: pytest.Subtests,
) -> None:
    base = reverse("mail-list", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine"))
    listed = rows(as_admin, base)
    for name, mail_id in delivered.items():
        case = json.loads((CASES / f"{name}.json").read_text())
        with subtests.test(name):
            shown = page(f"{base}{mail_id}/", as_admin)
            compare(shown, listed[mail_id], case, owner=False)
            assert shown.css_first("pre.text") is None


def put(name: str) -> str:
    out = StringIO()
    call_command("sandbox", "deliver", "--to", seed.ANNA, str(CASES / f"{name}.eml"), stdout=out)
    return out.getvalue().split()[-1]


@pytest.mark.parametrize("content", [
    b"", b"\0" * 3000, bytes(range(256)) * 20, b"no headers at all", b"\r\n\r\n", b"From: \0 <a@\0.example>\nSubject: \0\n\n\0",
    b"Content-Type: text/html\n\n<p>\0\xff</p>", b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 2000,
], ids=["nothing", "zeros", "all bytes", "no headers", "blank lines", "zeros within", "odd HTML", "empty parts"])
def test_any_bytes_can_be_listed_and_read(content: bytes, as_admin: Client, as_owner: Client, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(content)
    out = StringIO()
    call_command("sandbox", "deliver", "--to", seed.ANNA, str(tmp_path / "a.eml"), stdout=out)
    mail_id = out.getvalue().split()[-1]
    base = reverse("mail-list", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine"))
    for somebody in (as_admin, as_owner):
        assert mail_id in rows(somebody, base)
        assert page(f"{base}{mail_id}/", somebody).css_first(".opened h2")
    assert as_owner.get(f"{base}{mail_id}/source/").getvalue().endswith(content)


@pytest.mark.parametrize("name", ["16-date-2096", "date-in-2099-with-other-words"])
def test_a_message_from_the_future_is_listed_by_its_arrival_and_is_not_opened_unasked(
    name: str, as_admin: Client, as_owner: Client,
) -> None:
    future, now = put(name), put("09-from-with-comment")
    base = reverse("mail-list", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine"))
    for somebody in (as_admin, as_owner):
        shown = page(base, somebody, {"newest": ""}).css("ol.mails li.mail")
        ids = [row.css_first("input[name=mail]").attributes["value"] for row in shown]
        assert ids.index(now) < ids.index(future)
        assert [row.css_first("input[name=mail]").attributes["value"] for row in shown if row.css_first("[data-newest]")] == [now]


@pytest.mark.parametrize(("others", "expected"), [
    (["mx1.gateway.example; dkim=pass header.d=rheintal-papier.example"], "Confirmed to come from"),
    (["mx9.elsewhere.example; dkim=pass header.d=rheintal-papier.example"], "Not confirmed to come from"),
    (["mx9.elsewhere.example; dkim=pass header.d=x.example", "MX1.Gateway.example 1; dmarc=pass header.from=rheintal-papier.example"], "Confirmed to"),
])
def test_all_results_of_the_gateway_count_where_its_name_is_known_and_nobody_elses(
    others: list[str], expected: str, as_admin: Client, settings: Any, tmp_path: Path,
) -> None:
    settings.AUTHSERV_ID = "mx1.gateway.example"
    results = ["mx1.gateway.example; spf=pass smtp.mailfrom=massmail.example", *others]
    head = "".join(f"Authentication-Results: {one}\r\n" for one in results)
    (tmp_path / "a.eml").write_text(f"{head}From: news@rheintal-papier.example\r\nSubject: x\r\n\r\nx")
    out = StringIO()
    call_command("sandbox", "deliver", "--to", seed.ANNA, str(tmp_path / "a.eml"), stdout=out)
    base = reverse("mail-list", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine"))
    assert expected in words(page(f"{base}{out.getvalue().split()[-1]}/", as_admin).css_first(".why"))
