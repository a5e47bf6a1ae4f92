"""Reading messages: what the bytes say, and that no bytes can stop it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from sandbox import mail

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def read(raw: bytes) -> dict:
    return mail.columns(raw, NOW)


@pytest.mark.parametrize(("header", "expected"), [
    (b"plain", "plain"),
    (b"=?utf-8?b?w5xiZXJ3ZWlzdW5n?=", "Überweisung"),
    (b"=?UTF-8?Q?=C3=9Cber?= =?utf-8?q?weisung?=", "Überweisung"),
    (b"=?iso-8859-1?q?R=E9union?= du 12", "Réunion du 12"),
    (b"=?iso-2022-jp?b?GyRCRnxLXDhsGyhC?=", "日本語"),
    (b"folded\r\n  over lines", "folded over lines"),
    ("roh: äöü €".encode(), "roh: äöü €"),
    ("roh: äöü".encode("latin-1"), "roh: äöü"),
    (b"=?x-klingon?q?nuqneH?=", "nuqneH"),
    (b"=?utf-8?b?***?=", "=?utf-8?b?***?="),
    (b"=?utf-8?q?a=0D=0AX-Injected:_y?=", "a X-Injected: y"),
    (b"=?utf-8?b?7aCA?=", "í\xa0€"),
    (b"C:\\users\\anna", "C:\\users\\anna"),
    (b"", ""),
])
def test_a_subject_is_one_line_of_text(header, expected):
    assert read(b"Subject: " + header + b"\r\n\r\n")["subject"] == expected


@pytest.mark.parametrize(("header", "expected"), [
    (b"a@x.example", "a@x.example"),
    (b"<a@x.example>", "a@x.example"),
    (b"Anna K <a@x.example>", "Anna K <a@x.example>"),
    (b'"Keller, Anna" <a@x.example>', '"Keller, Anna" <a@x.example>'),
    (b"=?utf-8?q?M=C3=BCller=2C_Jan?= <a@x.example>", '"Müller, Jan" <a@x.example>'),
    (b'"ceo@nordwind.example" <x@evil.example>', '"ceo@nordwind.example" <x@evil.example>'),
    (b"ceo@nordwind.example <x@evil.example>", '"ceo@nordwind.example" <x@evil.example>'),
    (b"=?utf-8?q?=3Cceo=40nordwind=2Eexample=3E?= <x@evil.example>", '"<ceo@nordwind.example>" <x@evil.example>'),
    (b'"<ceo@nordwind.example>" <x@evil.example>', '"<ceo@nordwind.example>" <x@evil.example>'),
    (b'"a \\"b\\" c" <a@x.example>', '"a \\"b\\" c" <a@x.example>'),
    (b"a@x.example, b@y.example", "a@x.example, b@y.example"),
    (b"nonsense", "nonsense"),
    (b",,<>", ""),
])
def test_a_sender_keeps_its_name_and_its_address_apart(header, expected):
    assert read(b"From: " + header + b"\r\n\r\n")["sender"] == expected


@pytest.mark.parametrize("raw", [
    b"Subject: =?utf-7?q?+2AA-?=\n\n", b"Subject: =?utf-8?q?x?= \\ud800\n\n", b"From: =?utf-7?q?+2AA-?= <a@x.example>\n\n",
    b"Content-Type: text/plain; charset=utf-7\n\n+2AA-",
])
def test_half_a_character_becomes_the_replacement_character(raw):
    text = f"{read(raw)} {mail.content(raw)}"
    assert "\ufffd" in text
    text.encode()


def test_recipients_are_taken_apart_at_commas_that_are_not_quoted():
    raw = (
        b'To: "A, B" <a@x.example>, b@x.example,\r\n c <c@x.example>\r\nTo: d@x.example\r\n'
        b"Cc: =?utf-8?q?=C3=89?= <e@x.example>\r\n\r\n"
    )
    assert read(raw)["to"].splitlines() == ['"A, B" <a@x.example>', "b@x.example", "c <c@x.example>", "d@x.example"]
    assert read(raw)["cc"] == "É <e@x.example>"


@pytest.mark.parametrize(("header", "expected"), [
    ("Fri, 01 May 2026 10:00:00 +0200", datetime(2026, 5, 1, 8, tzinfo=UTC)),
    ("Fri, 01 May 2026 10:00:00 -0000", datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ("nonsense", NOW), ("", NOW), ("Fri, 99 May 2026 99:00:00 +0000", NOW), ("Fri, 01 May 99999 10:00:00 +0000", NOW),
    ("Thu, 01 Jan 1960 00:00:00 +0000", NOW), ("Fri, 01 May 2026 10:00:00 +9999999999", NOW),
])
def test_a_date_that_is_none_is_the_moment_of_arrival(header, expected):
    assert read(f"Date: {header}\r\n\r\n".encode())["sent_date"] == expected
    assert read(f"Date: {header}\r\n\r\n".encode())["received_date"] == NOW


@pytest.mark.parametrize(("raw", "expected"), [
    (b"X-Virus-Status: Infected (Eicar)\n\n", True), (b"X-Virus-Status: Clean\n\n", False), (b"\n", False),
    (b"X-Virus-Status: Clean\nX-Virus-Status: Infected\n\n", False),
    (b"x-virus-status: INFECTED\nX-Virus-Status: Clean\n\n", True),
])
def test_only_the_gateways_own_virus_header_counts_and_it_is_the_first(raw, expected):
    assert read(raw)["infected"] is expected


@pytest.mark.parametrize(("raw", "expected"), [
    (b"Importance: High\n\n", True), (b"X-Priority: 1 (Highest)\n\n", True), (b"X-Priority: 3\n\n", False), (b"\n", False),
])
def test_importance_is_read_from_either_header(raw, expected):
    assert read(raw)["important"] is expected


MIXED = b"""\
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

plain
--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>H=E9</p>
--b--
--a
Content-Type: text/plain
Content-Disposition: attachment; filename*=utf-8''gr%C3%BC%C3%9Fe.txt

a file
--a
Content-Type: message/rfc822

Subject: inner

text
--a--
"""


def test_the_text_is_html_where_there_is_some_and_files_have_their_imap_numbers():
    assert mail.content(MIXED).strip() == "<p>Hé</p>"
    assert [(one["id"], one["name"], one["type"]) for one in read(MIXED)["attachments"]] == [
        ("2", "grüße.txt", "text/plain"), ("3", "part-3.eml", "message/rfc822"),
    ]
    assert mail.file(MIXED, "2") == ("grüße.txt", "text/plain", b"a file")
    assert mail.file(MIXED, "3")[2].startswith(b"Subject: inner")
    assert mail.file(MIXED, "1.2") is None


@pytest.mark.parametrize("declared", ["text/<script>", "text/html\x00", "a b/c d", "ümlaut/x", "image/"])
def test_a_media_type_that_is_none_becomes_unknown_bytes(declared):
    raw = f"Content-Type: {declared}; name=x\r\n\r\nx".encode()
    assert read(raw)["attachments"][0]["type"] in ("application/octet-stream", "text/plain")
    assert mail.file(raw, "1")[1] == read(raw)["attachments"][0]["type"]


def test_plain_text_is_shown_where_there_is_no_html():
    assert mail.content(b"Content-Type: text/plain; charset=windows-1252\n\n\x80 5") == "€ 5"
    assert mail.content(b"Content-Type: image/png\n\nx") == ""


def test_a_multipart_without_parts_is_shown_as_it_is():
    assert mail.content(b"Content-Type: multipart/mixed\n\nall there is") == "all there is"


@pytest.mark.parametrize(("name", "expected"), [
    ("../../etc/passwd", "passwd"), ("C:\\windows\\evil.exe", "evil.exe"), ("..", "file"), ("", "file"),
    (".htaccess", "htaccess"),
    ("a\r\nb\x00.txt", "ab.txt"), ("/", "file"), ("x" * 500 + ".pdf", "x" * 100 + ".pdf"), ('a"b<c>|?*:.txt', "abc.txt"),
    ("grüße.txt", "grüße.txt"),
])
def test_a_file_name_for_a_disk_names_no_place(name, expected):
    assert mail.safe_name(name) == expected


@pytest.mark.parametrize(("raw", "expected"), [
    (b"Subject: [SPAM] x\n\nSubject: [SPAM]", b"Subject: x\n\nSubject: [SPAM]"),
    (b"X: 1\r\nX-Spam-Flag: YES\r\nSubject: x\r\n\r\n", b"X: 1\r\nSubject: x\r\n\r\n"),
    (b"X-Quarantine-Reason: a\r\n b\r\n\tc\r\nY: 2\r\n\r\n", b"Y: 2\r\n\r\n"),
    (b"Subject: x [SPAM]\r\n\r\n", b"Subject: x [SPAM]\r\n\r\n"),
    (b"subject:[spam]x\r\n\r\n", b"subject:x\r\n\r\n"),
    (b"X-Spam-Flagged: no\r\n\r\n", b"X-Spam-Flagged: no\r\n\r\n"),
])
def test_untagging_touches_the_gateways_marks_only(raw, expected):
    assert mail.untagged(raw, ("[SPAM]", "")) == expected


PIECES = [
    b"Subject: ", b"From: ", b"To: ", b"Date: ", b"Content-Type: multipart/mixed; boundary=x", b"Content-Type: message/rfc822",
    b"Content-Type: text/html; charset=", b"Content-Disposition: attachment; filename*0*=", b"*=''%FF", b"utf-7", b"idna",
    b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: uuencode", b"begin 644 x\n", b"\r\n", b"\n", b"\r\n\r\n", b"\n\n", b"--x", b"--x--",
    b"=?utf-8?b?", b"=?utf-16?q?=D8=00?=", b"?=", b"=?", b"=C3", b'"', b"<", b">", b"@", b",", b"(", b"\\", b";",
    b"\x00", b"\xff", b"\xed\xa0\x80",
]
NASTY = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=40).map(b"".join)


@given(NASTY)
def test_no_bytes_stop_the_reading(raw):
    columns = read(raw)
    texts = [columns[name] for name in ("subject", "sender", "to", "cc", "bcc", "message_id", "fuglu_id")]
    names = [one["name"] for one in columns["attachments"]]
    for text in (*texts, *names, *columns["headers"], str(columns["headers"]), mail.content(raw), mail.source(raw)):
        text.encode()  # half a character would not go through
    assert "\n" not in columns["subject"]
    files = dict(mail.all_files(raw))
    assert len(files) == len(columns["attachments"])
    assert all(name and not set(name) & set("/\\") for name in files)
    for one in columns["attachments"]:
        assert len(mail.file(raw, one["id"])[2]) == one["size"]
    assert mail.untagged(mail.untagged(raw, ()), ()) == mail.untagged(raw, ())
