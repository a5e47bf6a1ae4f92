"""A message as a person reads it: every text of it, in order, however it is broken, and what it carries by name."""

import base64
import binascii

import pytest

from portal.meaning import parts
from portal.meaning.body import Body, document, take_apart
from portal.meaning.message import as_bytes, flowed
from portal.meaning.parts import message, parameters

SUBJECT = "From: Anna <anna@a.example>\nSubject: x\nMIME-Version: 1.0\n"
RUSSIAN = "Здравствуйте, счёт во вложении"


def read(source: str | bytes, content: str = "", number: str = "") -> Body:
    """As a gateway gives it that gives a character for each byte."""
    body = take_apart(content, source if isinstance(source, str) else source.decode("latin-1"), number)
    assert body is not None
    return body


def mixed(*parts: str, kind: str = "mixed", boundary: str = "B", more: str = "") -> str:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'{SUBJECT}Content-Type: multipart/{kind}; boundary="{boundary}"{more}\n\npreamble\n{inner}--{boundary}--\nepilogue\n'


PLAIN, HTML = "Content-Type: text/plain\n\n", "Content-Type: text/html\n\n"
PICTURE = "Content-Type: image/jpeg; name=foto.jpg\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\n/9j/4AAQ"


def test_text_picture_and_text_are_shown_in_their_order():
    body = read(mixed(PLAIN + "Anbei das Foto.", PICTURE, PLAIN + "Bitte zahlen: https://evil.example/x"))
    assert body.text == "Anbei das Foto.\n\nBitte zahlen: https://evil.example/x"
    assert [link.target for link in body.links] == ["https://evil.example/x"]
    assert body.files == ["foto.jpg"]


def test_a_second_html_part_is_shown_with_its_links_and_cannot_be_swallowed_by_the_first():
    body = read(
        mixed(HTML + "<p>eins<!-- <style> <b title='", HTML + "<a href=https://evil.example>zwei</a>", PLAIN + "drei <b>")
    )
    assert body.text == "eins\n\nzwei\n\ndrei <b>"
    assert [link.target for link in body.links] == ["https://evil.example"]
    whole = document(body)
    assert whole.index("eins") < whole.index(">zwei</a>") < whole.index("drei &lt;b&gt;")


def test_of_several_forms_of_a_text_the_plain_one_and_the_designed_one_are_shown_once():
    inner = mixed(PLAIN + "Hallo", HTML + "<p>Hallo!</p>", kind="alternative", boundary="I").partition("MIME-Version: 1.0\n")[2]
    body = read(mixed(inner, PLAIN + "-- \nFuss"))
    assert body.text == "Hallo\n\n-- \nFuss"
    assert body.html == "<p>Hallo!</p>"
    assert "preamble" not in document(body)
    assert read(mixed(PLAIN + " ", HTML + "<p>nur hier</p>", kind="alternative")).text == "nur hier"
    assert read(mixed("Content-Type: text/x-amp-html\n\n<amp>", PLAIN + "a", kind="alternative")).text == "a"


def test_an_attached_message_is_no_text_and_opens_on_request():
    inner = "From: Chef <chef@a.example>\nSubject: =?utf-8?Q?=C3=A4lter?=\nContent-Type: text/html\n\n<p>INNEN</p>"
    forwarded = mixed(PLAIN + "ganz innen", "Content-Type: message/rfc822\n\n" + inner, boundary="F")
    body = read(
        mixed(HTML + "<p>AUSSEN</p>", "Content-Type: message/rfc822\n\n" + inner, "Content-Type: message/rfc822\n\n" + forwarded)
    )
    assert body.text == "AUSSEN"
    assert [(one.number, one.subject, one.sender) for one in body.attached] == [
        ("1", "älter", "Chef <chef@a.example>"), ("2", "x", "Anna <anna@a.example>"),
    ]  # fmt: skip
    source = mixed(
        HTML + "<p>AUSSEN</p>", "Content-Type: message/rfc822\n\n" + inner, "Content-Type: message/rfc822\n\n" + forwarded
    )
    opened = read(source, "AUSSEN", "1")
    assert (opened.text, opened.html, opened.said("subject")) == ("INNEN", "<p>INNEN</p>", "älter")
    assert [one.number for one in read(source, "", "2").attached] == ["2.1"]
    assert read(source, "", "2.1").text == "INNEN"
    for none in ("3", "0", "x", "2.2", "-1", "1.1", "9" * 400, ".".join("1" * 500)):
        assert take_apart("", source, none) is None


def test_an_attached_message_in_an_encoding_that_is_forbidden_there_opens_too():
    inner = base64.b64encode(b"Subject: innen\n\nText innen").decode()
    source = mixed(PLAIN + "x", f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}")
    assert read(source).attached[0].subject == "innen"
    assert read(source, "", "1").text == "Text innen"


def test_a_delivery_report_is_whole():
    status = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; weg@kunde.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 User unknown"
    body = read(
        mixed(
            PLAIN + "Not delivered.",
            "Content-Type: message/delivery-status\n\n" + status,
            "Content-Type: text/rfc822-headers\n\nSubject: Angebot",
            kind="report",
            more="; report-type=delivery-status",
        )
    )
    for said in ("Not delivered.", "weg@kunde.example", "5.1.1", "550 User unknown", "Subject: Angebot"):
        assert said in body.text
    assert body.notes == ["This is a delivery report from a mail server."]
    receipt = read(
        mixed(
            PLAIN + "read",
            "Content-Type: message/disposition-notification\n\nDisposition: manual-action/MDN-sent; displayed",
            kind="report",
            more="; report-type=disposition-notification",
        )
    )
    assert "displayed" in receipt.text
    assert receipt.notes == ["This is a read receipt."]


BROKEN_HEADERS = {
    "a blank before the colon": "X-Foo : x\n" + SUBJECT,
    "a blank before the colon, folded": SUBJECT + "X-Foo : x\n y: z\n",
    "a line that is none": SUBJECT + "this is no header\n",
    "letters in a name": SUBJECT + "Büro: x\n",
    "mbox": "From anna@a.example Sun Nov 29 10:00:00 2026\n" + SUBJECT,
    "mbox, quoted": ">From anna@a.example Sun Nov 29 10:00:00 2026\n" + SUBJECT,
    "blank lines first": "\n\n" + SUBJECT,
    "a byte order mark": "\ufeff" + SUBJECT,
    "folded from the start": " folded\n" + SUBJECT,
    "a line of blanks": SUBJECT + "X-A: b\n \nX-C: d\n",
    "a bare return": SUBJECT + "X-A: b\rX-C: d\n",
    "a return too many": (SUBJECT + "X-A: b\n").replace("\n", "\r\r\n"),
}


@pytest.mark.parametrize("headers", BROKEN_HEADERS.values(), ids=BROKEN_HEADERS)
def test_a_broken_header_line_costs_itself_and_nothing_else(headers: str):
    parts = mixed(
        "Content-Type: text/html\n\n<a href=http://boese.example/>hier</a>",
        "Content-Type: application/octet-stream; name=x.exe\n\nMZ",
    )
    body = read(headers + parts.removeprefix(SUBJECT))
    assert (body.text, body.files) == ("hier", ["x.exe"])
    assert (body.said("from"), body.said("subject")) == ("Anna <anna@a.example>", "x")


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/mixed boundary=B",
        "multipart/mixed;boundary=B;",
        'Multipart/Mixed; BOUNDARY = "B"',
        "multipart/mixed;\n boundary=B",
        "multipart/mixed; x=y boundary=B",
        "multipart/mixed; boundary=wrong",
        "multipart/mixed",
        "multipart/mixed; boundary*0=B",
    ],
)
def test_parts_are_found_however_their_boundary_is_named(kind: str):
    source = mixed(PLAIN + "eins", PLAIN + "zwei").replace('multipart/mixed; boundary="B"', kind)
    assert read(source).text == "eins\n\nzwei"


@pytest.mark.parametrize("boundary", ["=_?:'()+,./=", "a b", "----=_Part_1_2.3", "--", "Apple-1", "x" * 70, "B.*", "[B]"])
def test_a_boundary_may_hold_any_sign(boundary: str):
    assert (
        read(mixed(PLAIN + f"eins --{boundary}x", PLAIN + "zwei boundary", boundary=boundary)).text
        == f"eins --{boundary}x\n\nzwei boundary"
    )


def test_a_boundary_that_is_missing_at_the_end_or_between_others_loses_nothing():
    assert read(mixed(PLAIN + "eins", PLAIN + "zwei").partition("--B--")[0]).text == "eins\n\nzwei"
    inner = "Content-Type: multipart/alternative; boundary=B-1\n\n--B-1\n" + PLAIN + "innen"
    assert read(mixed(inner, PLAIN + "aussen")).text == "innen\n\naussen"
    assert read(mixed(PLAIN + "eins") + "--B\n" + PLAIN + "hinter dem Ende\n").text == "eins\n\nhinter dem Ende"
    assert read(mixed(PLAIN + "eins", PLAIN + "zwei").replace("\n", "\r")).text == "eins\n\nzwei"
    assert read(mixed(PLAIN + "eins", PLAIN + "zwei").replace("\n", "\r\n")).text == "eins\n\nzwei"


def test_the_word_boundary_in_a_text_is_none():
    assert read(SUBJECT + "\nboundary=" * 3 + "\n" + "the boundary of boundary=B --B\n" * 500).text.count("--B") == 500


def test_text_that_nobody_set_off_from_the_headers_is_text():
    assert (
        read("Subject: x\nContent-Type: text/plain\nGuten Tag Anna,\nbitte: zahlen\n\nGruss").text
        == "Guten Tag Anna,\nbitte: zahlen\n\nGruss"
    )
    assert read(mixed("nur Text", PLAIN + "b")).text == "nur Text\n\nb"
    assert read(mixed("   eingerückt\nnoch eine", PLAIN + "b").encode()).text == "   eingerückt\nnoch eine\n\nb"


def wrapped(text: str, width: int = 76) -> str:
    data = base64.b64encode(text.encode()).decode()
    return "\n".join(data[n : n + width] for n in range(0, len(data), width))


FOOTER = "_______________\nListe mailing list\nListe@verein.example\nhttps://listen.verein.example/info"


@pytest.mark.parametrize("footer", [FOOTER, "-- \nListe", "Liste mailing\nlist", "Gruss", "<p>x</p>"])
def test_a_footer_in_clear_behind_base64_is_read_as_what_it_is(footer: str):
    for text in ("Grüße von der Liste, die Sitzung fällt aus, wie besprochen!!", "Grüße " * 60 + "..", "Grüße"):
        source = (
            f"{SUBJECT}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{wrapped(text)}\n{footer}"
        )
        found = read(source).text
        assert found.startswith(text)
        if base64.b64encode(text.encode()).endswith(b"=") or not footer.isalpha():
            assert found.rstrip().endswith(footer.strip())


def test_damage_within_base64_costs_a_few_letters():
    lines = wrapped("abc " * 200).split("\n")
    lines[3] = lines[3][:10] + "!" + lines[3][10:]
    assert read(f"{SUBJECT}Content-Transfer-Encoding: base64\n\n" + "\n".join(lines)).text == "abc " * 200
    two = wrapped("eins, ") + "\n" + wrapped("zwei!")
    assert read(f"{SUBJECT}Content-Transfer-Encoding: base64\n\n{two}").text == "eins, zwei!"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [(name, "R3LDvMOfZQ==") for name in ("base64", "BASE64", "base-64", '"base64"', "base64;", "base64 (x)", "x-base64", "b64")]
    + [(name, "Gr=C3=BC=C3=9F=\ne") for name in ("quoted-printable", "quoted_printable", "quotedprintable", "Quoted-Printable;", "qp")]
    + [(name, "Grüße") for name in ("8bit", "8-bit", "7bit", "binary", "none", "utf-8", "", "x-unknown")]
    + [(name, "begin 644 x\n" + binascii.b2a_uu("Grüße".encode()).decode() + "`\nend") for name in ("x-uuencode", "uuencode", "x-uue")],
)  # fmt: skip
def test_an_encoding_is_known_however_it_is_spelled(encoding: str, text: str):
    assert (
        read(f"{SUBJECT}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{text}".encode()).text
        == "Grüße"
    )


def test_a_multipart_that_is_encoded_as_a_whole_is_read():
    whole = mixed(PLAIN + "eins", PLAIN + "zwei")
    head, _, inner = whole.partition("\n\n")
    assert read(f"{head}\nContent-Transfer-Encoding: base64\n\n{wrapped(inner)}").text == "eins\n\nzwei"
    assert read(f"{head}\nContent-Transfer-Encoding: quoted-printable\n\n{inner}").text == "eins\n\nzwei"


def test_a_file_within_a_text_is_named():
    lines = binascii.b2a_uu(b"MZ" * 20).decode() + "`\n"
    body = read(f"{SUBJECT}\nvorher\nbegin 644 rechnung.exe\n{lines}end\nnachher\nbegin 644 nicht\nwirklich")
    assert body.text.splitlines() == ["vorher", "[File in the text: rechnung.exe]", "nachher", "begin 644 nicht", "wirklich"]
    assert body.files == ["rechnung.exe"]


@pytest.mark.parametrize("encoding", ["7bit", "x-uuencode"])
def test_a_file_within_a_text_whose_name_never_ends_is_none(encoding: str):
    text = "begin 644 x" + " " * 1_000_000 + "y\nM"
    source = f"{SUBJECT}Content-Type: text/plain\nContent-Transfer-Encoding: {encoding}\n\n{text}\n"
    body = read(source)
    assert (body.files, body.text[:12]) == ([], "begin 644 x ")


def test_multiparts_that_are_wrapped_one_in_the_other_do_not_fill_the_memory():
    source, hidden = SUBJECT, 40
    for level in range(hidden):
        head = f"Content-Type: multipart/mixed; boundary=B{level}\nContent-Transfer-Encoding: quoted-printable\n"
        source += head.replace("=", "=" + "3D" * level) + f"\n--={'3D' * level}42{level}\n"
    source += "\n" + "x" * 60_000
    budget = parts.Budget(unwrapped=100_000)
    root = message(source.encode(), budget=budget)
    assert sum({id(part.data): len(part.data) for part in root.walk()}.values()) <= len(source) + 100_000
    assert budget.cut


def test_lines_that_were_broken_for_the_way_are_whole_again():
    assert (
        flowed("Das ist \nein Satz.\n> zitiert \n> weiter\n-- \nGruss \nEnde", joined=False)
        == "Das ist ein Satz.\n> zitiert weiter\n-- \nGruss Ende"
    )
    assert flowed("Donau \ndampf", joined=True) == "Donaudampf"
    assert read(f"{SUBJECT}Content-Type: text/plain; format=flowed\n\na \nb\n").text == "a b\n"


SPECIAL = {
    "This message is signed (S/MIME). The signature is not checked here.": mixed(PLAIN + "text", "Content-Type: application/pkcs7-signature; name=smime.p7s\n\nx", kind="signed", more='; protocol="application/pkcs7-signature"'),
    "This message is signed (PGP). The signature is not checked here.": mixed(PLAIN + "text", "Content-Type: application/pgp-signature\n\nx", kind="signed", more="; protocol=application/pgp-signature"),
    "This message is encrypted (PGP): only the recipient can read it.": mixed("Content-Type: application/pgp-encrypted\n\nVersion: 1", "Content-Type: application/octet-stream\n\nx", kind="encrypted"),
    "This message is encrypted (S/MIME): only the recipient can read it.": SUBJECT + "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nx",
    "This message is signed (S/MIME), and its text is inside the signed file. It cannot be shown here.": SUBJECT
    + "Content-Type: application/x-pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(bytes.fromhex("308006092a864886f70d010702a080")).decode(),
    "The text, or part of it, is encrypted (PGP): only the recipient can read it.": SUBJECT + "\n-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----",
    "The text is signed (PGP). The signature is not checked here.": SUBJECT + "\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx",
    "This message contains a winmail.dat file: Outlook packed text or files into it that cannot be shown here.": mixed(PLAIN + "text", "Content-Type: application/ms-tnef; name=winmail.dat\n\nx"),
}  # fmt: skip


@pytest.mark.parametrize(("note", "source"), SPECIAL.items(), ids=[note[:40] for note in SPECIAL])
def test_a_message_of_a_special_kind_says_what_it_is(note: str, source: str):
    assert read(source).notes == [note]


# Charsets of whole messages.


def test_an_8_bit_text_is_read_by_its_charset_and_its_bytes_are_the_same_again():
    raw = (
        f"{SUBJECT}Content-Type: text/plain; charset=windows-1251\nContent-Transfer-Encoding: 8bit\n\n".encode()
        + RUSSIAN.encode("cp1251")
    )
    body = read(raw)
    assert (body.text, body.decoded) == (RUSSIAN, False)
    assert as_bytes(raw.decode("latin-1")) == (raw, False)


def test_a_source_that_a_gateway_decoded_is_read_and_says_that_it_may_differ():
    head = f"{SUBJECT}Content-Type: text/plain; charset=windows-1251\n\n"
    assert (read(head + RUSSIAN).text, read(head + RUSSIAN).decoded) == (RUSSIAN, True)
    damaged = read(head + "\ufffd" * 20, RUSSIAN)
    assert (damaged.text, damaged.decoded) == (RUSSIAN, True)
    assert as_bytes("€") == ("€".encode(), True)


def test_the_content_of_the_gateway_settles_the_letters_where_the_label_leaves_a_doubt():
    for label in ("unknown-8bit", "iso-8859-1", "us-ascii", ""):
        raw = f"{SUBJECT}Content-Type: text/plain; charset={label}\n\n".encode() + RUSSIAN.encode("koi8-r")
        assert read(raw, RUSSIAN).text == RUSSIAN
        assert read(raw, "something else").text != "something else"
    korean = f'{SUBJECT}Content-Type: text/plain; charset="ks_c_5601-1987"\n\n'.encode() + "안녕".encode("cp949")
    assert read(korean, "¾È³ç").text == "안녕"  # a gateway that knows less
    one_bad = f"{SUBJECT}Content-Type: text/plain; charset=utf-8\n\n".encode() + "Grüße ".encode() + b"f\xfcr"
    assert read(one_bad, "GrÃ¼Ã\x9fe für").text == "Grüße f\ufffdr"


def test_the_charset_of_a_meta_and_of_other_parts_is_used_where_a_part_names_none():
    page = b"<html><head><meta http-equiv=Content-Type content='text/html; charset=windows-1251'></head><p>" + RUSSIAN.encode(
        "cp1251"
    )
    assert read(f"{SUBJECT}Content-Type: text/html\n\n".encode() + page).text == RUSSIAN
    raw = mixed("Content-Type: text/plain; charset=windows-1251\n\nabc", "Content-Type: text/plain\n\nRUSSIAN").encode()
    assert RUSSIAN in read(raw.replace(b"RUSSIAN", RUSSIAN.encode("cp1251"))).text
    raw = b"Subject: " + RUSSIAN.encode("cp1251") + b"\nContent-Type: text/plain; charset=windows-1251\n\nx"
    assert read(raw).said("subject") == RUSSIAN


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("attachment; filename=a.pdf", "a.pdf"), ("attachment; filename=Rechnung Nov 2.pdf", "Rechnung Nov 2.pdf"),
        ('attachment; filename="a\\"b;c.pdf"', 'a"b;c.pdf'), ("attachment; filename*=UTF-8''%E2%82%AC.pdf", "€.pdf"),
        ("attachment; filename*=koi8-r'ru'%F0%D2%C9.doc", "При.doc"), ("attachment; filename*0=lang; filename*1=er.pdf", "langer.pdf"),
        ("attachment; filename*1*=%BC.pdf; filename*0*=utf-8''%C3", "ü.pdf"), ("attachment; filename==?utf-8?B?w7wucGRm?=", "ü.pdf"),
        ('attachment; filename="=?utf-8?Q?=C3=BC.pdf?="', "ü.pdf"), ("attachment filename=a.pdf", "a.pdf"), ("attachment; filename", None),
        ("attachment; filename=plain.pdf; filename*=utf-8''%C3%BC.pdf", "ü.pdf"), ("attachment; filename='a.pdf'", "'a.pdf'"),
        ("attachment; filename*=nonsense''%ff.pdf", "ÿ.pdf"), ("attachment; filename*9999999999=x", None),
        ("attachment; filename=Gr\xfc\xdfe.pdf", "Grüße.pdf"), ("attachment; filename=Gr\xc3\xbc\xc3\x9fe.pdf", "Grüße.pdf"),
    ],
)  # fmt: skip
def test_a_file_name_is_read_in_every_way_of_writing_it(value: str, name: str | None):
    assert parameters(value).get("filename") == name


def test_headers_and_bytes_of_a_part_are_places_in_the_message_and_no_copies():
    data = mixed(PLAIN + "eins", PLAIN + "zwei").encode()
    assert {id(part.data) for part in message(data).walk()} == {id(data)}
