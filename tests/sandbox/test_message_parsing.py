"""Reading messages: what the bytes say, and that no bytes can stop it."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from sandbox import mail, mime

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
    (b"=?koi8-r*ru?B?8NLJ18XU?=", "Привет"),
    (b"=?ks_c_5601-1987?B?sN/A+7ytILzbus4=?=", "견적서 송부"),
    (b"=?gb2312?B?wO6GtA==?=", "李喆"),
    (b"=?windows-31j?B?h0A=?= =?x-sjis?B?h0E=?=", "①②"),
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


@pytest.mark.parametrize(("label", "content", "expected"), [
    ("ks_c_5601-1987", b"\xb0\xdf \x8c\x63", "견 똠"), ("windows-949", b"\x8c\x63", "똠"), ("gb2312", b"\x86\xb4", "喆"), ("x-gbk", b"\x86\xb4", "喆"),
    ("hz-gb-2312", b"~{<:Ky~}", "己所"), ("big5-hkscs", b"\x87\x40", "䏰"), ("iso-8859-1", b"\x80 5", "€ 5"), ("ISO-8859-8-I", b"\xf9\xec", "של"),
    ("iso-8859-8-e", b"\xf9", "ש"), ("hebrew", b"\xf9", "ש"), ("cyrillic", b"\xbf", "П"), ("greek", b"\xe1", "α"), ("csISO2022JP", b"\x1b$BF|\x1b(B", "日"),
    ("koi8-ru", b"\xf0", "П"), ("windows-874", b"\xa1", "ก"), ("ibm850", b"\x84", "ä"), ("'windows-1251'", b"\xcf", "П"), ("koi8-r*ru", b"\xf0", "П"),
    ("utf-8", "Grüße f".encode() + b"\xfcr", "Grüße f\ufffdr"), ("utf-8", b"Gr\xfc\xdfe", "Grüße"), ("us-ascii", "ü".encode(), "ü"), ("", b"\xfc", "ü"),
    ("punycode", b"x-", "x-"), ("unicode_escape", b"\\u0041", "\\u0041"), ("rot13", b"n", "n"), ("utf-16", b"\xff\xfeA\0", "A"), ("unknown-8bit", b"\xfc", "ü"),
])
def test_a_charset_means_what_browsers_take_it_for_and_a_bad_byte_spoils_one_letter(label, content, expected):
    assert mail.content(f'Content-Type: text/plain; charset="{label}"\n\n'.encode() + content) == expected


@pytest.mark.parametrize("label", [b"\xff", b"\xed\xa0\x80", "ütf-8".encode(), b"utf-8\xff"])
def test_a_label_of_raw_bytes_is_none(label):
    raw = b"Content-Type: text/plain; charset=" + label + b"\n\n\xc3\xbc"
    assert mail.content(raw) == "ü"
    assert read(b"Subject: =?" + label + b"?q?=C3=BC?=\n\n")["subject"] == "ü"


@pytest.mark.parametrize("meta", [b"<META charset='koi8-r'>", b'<meta http-equiv=content-type content="text/html;charset=koi8-r">'])
def test_html_says_its_charset_itself_where_its_headers_name_none(meta):
    assert mail.content(b"Content-Type: text/html\n\n" + meta + b"\xf0").endswith("П")
    assert mail.content(b"Content-Type: text/html; charset=cp866\n\n" + meta + b"\x8f").endswith("П")
    assert mail.content(b"Content-Type: text/plain\n\n" + meta + b"\xf0").endswith("ð")


def test_raw_bytes_in_headers_are_in_the_charset_of_the_text():
    raw = "Subject: Счёт\nTo: Склад <a@x.example>\nContent-Type: text/plain; charset=windows-1251; name=\n\nтекст".encode("cp1251")
    assert (read(raw)["subject"], read(raw)["to"], mail.content(raw)) == ("Счёт", "Склад <a@x.example>", "текст")
    file = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=koi8-r\n\nда\n--b\n"
    file += "Content-Disposition: attachment; filename=\"файл.txt\"\n\nx\n--b--"
    assert [one["name"] for one in read(file.encode("koi8-r"))["attachments"]] == ["файл.txt"]


@pytest.mark.parametrize(("parameter", "expected"), [
    (b"filename*=koi8-r''%C6%C1%CA%CC.txt", "файл.txt"), (b"filename*0*=ks_c_5601-1987''%B0%DF; filename*1*=%C0%FB.txt", "견적.txt"),
    (b"filename*=UTF-8''a%E2%80%AEfdp.exe", "a\u202efdp.exe"), (b'filename="=?windows-1251?Q?=CF=F0=E8?=.txt"', "При.txt"),
    (b"filename=Rechnung 77.pdf", "Rechnung 77.pdf"), (b'filename="a; b=c.txt"', "a; b=c.txt"), (b'filename="a b=c.txt"', "a b=c.txt"),
])
def test_the_name_of_a_file_is_read_in_its_own_charset(parameter, expected):
    assert read(b"Content-Disposition: attachment; " + parameter + b"\n\nx")["attachments"][0]["name"] == expected


@pytest.mark.parametrize("head", [
    b"X-Foo : x\r\n more of it\r\n", b"From anna@x.example Sun Nov 29 10:00:00 2026\r\n", b">From x\r\n", b"no header\r\n", b"\xff\xfe: x\r\n", b"X: 1\r\n: x\r\n",
])
def test_a_broken_header_line_is_left_out_and_the_rest_is_read(head):
    raw = head + b"From: a@x.example\r\nSubject: s\r\nContent-Type: multipart/mixed boundary=b\r\n\r\n"
    raw += b"--b\r\nY : 1\r\nContent-Type: text/html charset=\"koi8-r\"\r\n\r\n\xf0\r\n--b\r\nContent-Type: image/png name=b.png\r\n\r\nx\r\n--b--"
    found = read(raw)
    assert (found["sender"], found["subject"], mail.content(raw)) == ("a@x.example", "s", "П")
    assert [(one["id"], one["name"], one["size"]) for one in found["attachments"]] == [("2", "b.png", 1)]
    assert not {"X-Foo", "more of it", ""} & set(found["headers"])


def test_text_that_begins_without_a_blank_line_is_the_text():
    raw = b"Subject: s\nHello, this is it.\nNote: none\n\nBye"
    assert read(raw)["subject"] == "s"
    assert mail.content(raw) == "Hello, this is it.\nNote: none\n\nBye"


def test_base64_ends_where_a_list_has_appended_something_in_clear():
    raw = b"Content-Transfer-Encoding: base64\n\nR3LDvMOf\nZQ==\n___\nlist mailing list\n"
    assert mail.content(raw) == "Grüße\n___\nlist mailing list\n"
    assert mail.content(b"Content-Transfer-Encoding: Base64 (x)\n\nQQ==Qg==\n") == "AB"


def test_base64_of_nothing_but_blanks_is_read_in_moments():
    raw = b"Content-Transfer-Encoding: base64\n\n" + b" " * 1_000_000 + b"!"
    assert mail.content(raw).strip() in ("", "!")


def test_a_multipart_in_base64_is_taken_apart():
    inner = base64.b64encode(b"--b\n\nAB\n--b\nContent-Type: image/png\n\nCD\n--b--\n")
    raw = b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n" + inner
    assert mail.content(raw) == "AB"
    assert mail.file(raw, "2") == ("part-2", "image/png", b"CD")


def test_attached_messages_and_delivery_reports_are_files_and_the_same_bytes():
    inner = b"Subject:  x\r\nContent-Type: text/html\r\n\r\n<p>\xff</p>\r\n"
    report = b"Final-Recipient: rfc822; a@x.example\r\n\r\nStatus: 5.1.1\r\n"
    raw = b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nfailed\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    raw += report + b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    assert mail.content(raw) == "failed"
    assert mail.file(raw, "2")[2] == report
    assert mail.file(raw, "3") == ("part-3.eml", "message/rfc822", inner)


def test_commas_in_comments_divide_no_list():
    raw = b"From: root@db1.example (Cron, (the) Daemon), b@x.example\nTo: \"a\\\", b\" <a@x.example>, c@x.example\n\n"
    assert read(raw)["sender"] == "root@db1.example (Cron, (the) Daemon), b@x.example"
    assert read(raw)["to"].splitlines() == ['"a\\", b" <a@x.example>', "c@x.example"]


@pytest.mark.parametrize("raw", [
    b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000, b"From: " + b"<" * 1_000_000, b"A: b\n" * 100_000,
    b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000)), b"Content-Type: " + b" " * 500_000,
    b"Content-Type: text/plain" + b"; a=b" * 200_000, b"From: " + b'"\\' * 500_000,
])
def test_a_message_made_to_burst_the_reading_is_cut(raw):
    assert len(read(raw)["attachments"]) <= mime.MOST_PARTS
    assert len(mail.content(raw)) <= len(raw)


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
    for text in (*texts, *names, *columns["headers"], str(columns["headers"]), mail.content(raw)):
        text.encode()  # half a character would not go through
    assert mail.source(raw).encode("latin-1") == raw
    assert "\n" not in columns["subject"]
    files = dict(mail.all_files(raw))
    assert len(files) == len(columns["attachments"])
    assert all(name and not set(name) & set("/\\") for name in files)
    for one in columns["attachments"]:
        assert len(mail.file(raw, one["id"])[2]) == one["size"]
    assert mail.untagged(mail.untagged(raw, ()), ()) == mail.untagged(raw, ())
