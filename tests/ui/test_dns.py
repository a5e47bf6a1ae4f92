"""Texts as DNS writes them, and the records and keys of DKIM."""

import base64
import json

import dns.rdata
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, strategies as st

from portal.meaning import dkim
from portal.meaning.dns import strings, zone_line

PAIR = dkim.make_pair()
VALUE = f"v=DKIM1; p={PAIR.public}"


def as_pem(key, lock=None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock or NoEncryption()).decode()


def rsa_key(bits: int):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@given(st.text(max_size=900))
def test_the_pieces_of_a_value_are_what_a_name_server_reads(text: str) -> None:
    pieces = strings(text)
    read = dns.rdata.from_text("IN", "TXT", " ".join(pieces))
    assert b"".join(read.strings) == text.encode("utf-8", "replace")
    assert max(map(len, read.strings)) <= 255


def test_the_line_for_a_zone_file_is_read_by_a_name_server() -> None:
    zone = dns.zone.from_text(zone_line("s1._domainkey.a.example", VALUE), "a.example.", relativize=False, check_origin=False)
    ((name, ttl, record),) = zone.iterate_rdatas("TXT")
    assert (name.to_text(), ttl) == ("s1._domainkey.a.example.", 3600)
    assert b"".join(record.strings).decode() == VALUE
    assert [len(piece) for piece in record.strings] == [255, len(VALUE) - 255]


@pytest.mark.parametrize("line", [
    f"protect._domainkey.nordwind.example TXT {VALUE}",
    f"protect._domainkey.nordwind.example. 3600 IN TXT {VALUE}",
    f'  protect._domainkey.nordwind.example.\tIN  txt  "{VALUE[:255]}" "{VALUE[255:]}" ',
    f'protect._domainkey.nordwind.example. 300 IN TXT ( "{VALUE[:100]}"\n "{VALUE[100:]}" )',
])
def test_a_record_is_understood_however_it_is_written(line: str) -> None:
    record = dkim.record(line)
    assert (record.name, record.host, record.domain) == (
        "protect._domainkey.nordwind.example", "protect._domainkey", "nordwind.example",
    )
    assert (record.value, record.public, record.bits, record.short) == (VALUE, PAIR.public, 2048, False)


@pytest.mark.parametrize("line", [
    "", "x", "a.example TXT v=spf1 -all", "s._domainkey.a.example CNAME b.example", f"s;rm._domainkey.a.example TXT {VALUE}",
    "s._domainkey.$(id).example TXT v=DKIM1; p=x", "s._domainkey.a.example TXT p=ü", "s._domainkey.a.example TXT p=\x1b[31m",
    "s._domainkey.a.example TXT " + "x" * 5000, "<script>alert(1)</script>",
])
def test_a_line_that_is_not_understood_is_kept_as_it_is_and_has_no_name(line: str) -> None:
    assert dkim.record(line) == dkim.Record(line)


def test_the_lines_of_the_gateway_are_records_also_where_they_come_in_lists_of_lists() -> None:
    one, two = (f"s._domainkey.{name}.example TXT {VALUE}" for name in "ab")
    flat = [dkim.record(one), dkim.record(two), dkim.Record("odd")]
    assert dkim.records([one, two, "odd"]) == dkim.records([[one, two], [], ["odd"]]) == dkim.records([one, [two, "odd"]]) == flat


@pytest.mark.parametrize("value", ["v=DKIM1; p=", "v=DKIM1", "v=DKIM1; p=AAAA", "v=DKIM1; p=ä", "p=;p=;", "v=DKIM1; p=*"])
def test_a_key_that_cannot_be_read_has_no_length(value: str) -> None:
    assert dkim.Record("", "n", "s", "d", value).bits is None


def test_a_short_key_is_called_short() -> None:
    pair = dkim.read_pair(as_pem(rsa_key(1024)))
    assert dkim.record_for("s", "a.example", pair.public).short


@pytest.mark.parametrize("form", [
    lambda key: as_pem(key),
    lambda key: "\r\n" + as_pem(key).replace("\n", "\r\n"),
    lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
    lambda key: base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode(),
])
def test_a_private_key_is_read_in_every_usual_form(form) -> None:
    key = rsa_key(2048)
    pair = dkim.read_pair(form(key))
    assert (pair.bits, pair.private) == (2048, as_pem(key))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert (pair.public_pem, dkim.bare_public(public)) == (public, pair.public)
    assert dkim.bare_public(f"s._domainkey.a.example TXT v=DKIM1; p={pair.public}; t=s") == pair.public


PUBLIC = PAIR.public
SIGNED = f"v=DKIM1; h=sha256; k=rsa; p={PUBLIC}"
PRIVATE_LINES = PAIR.private.splitlines()


@pytest.mark.parametrize("form", [
    PUBLIC, "\n".join(PUBLIC[at : at + 64] for at in range(0, len(PUBLIC), 64)), f'"{PUBLIC}"', SIGNED, f"{SIGNED};", f"{SIGNED}; t=s; n=note",
    SIGNED.replace(";", "\\;"), f"v=DKIM1; p={PUBLIC[:100]} {PUBLIC[100:]}",
    " ".join(strings(SIGNED)), "".join(strings(SIGNED)), "\n".join(strings(SIGNED)), zone_line("s._domainkey.a.example", SIGNED),
    f'"v=DKIM1; k=rsa; " "p={PUBLIC[:200]}" "{PUBLIC[200:]}"',
    f'mail._domainkey\tIN\tTXT\t( "v=DKIM1; h=sha256; k=rsa; "\n\t  "p={PUBLIC[:200]}"\n\t  "{PUBLIC[200:]}" )  ; ----- DKIM key mail for a.example',
    f"s._domainkey.a.example TXT {SIGNED}", f"Selector: mail\nTXT record: {SIGNED}\nCopy this to your DNS",
    f'Add this record:\n  Name: mail._domainkey\n  Type: TXT\n  Value: "{SIGNED[:200]}" "{SIGNED[200:]}"\n', json.dumps({"p": PUBLIC}),
    PAIR.public_pem, PAIR.public_pem.replace("\n", "\\n"), PAIR.public_pem.replace("\n", " "), PAIR.public_pem.replace("-----", "\u2014\u2014"),
    "  " + PAIR.public_pem.replace("\n", "\r\n  "), json.dumps({"publicKey": PAIR.public_pem}), f"# for a.example\n{PAIR.public_pem}\nend",
])
def test_a_public_key_is_read_in_every_form_in_which_it_is_kept(form: str) -> None:
    assert dkim.bare_public(form) == PUBLIC


def test_a_public_key_in_the_older_form_is_the_same_key() -> None:
    key = rsa_key(2048)
    older = key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert dkim.bare_public(older) == dkim.read_pair(as_pem(key)).public


@pytest.mark.parametrize("text", ["", "p=", "v=DKIM1; p=", "x y z", "p=AAAA", "\ud800", "p=" + "A " * 5000, "-----BEGIN X-----" * 500, "-----BEGIN AAA-----" * 1050, '"' * 5000])
def test_what_is_no_public_key_is_none(text: str) -> None:
    assert dkim.bare_public(text) != PUBLIC


@pytest.mark.parametrize("form", [
    PAIR.private.replace("\n", "\\n"), PAIR.private.replace("\n", "\\r\\n"), json.dumps(PAIR.private), json.dumps({"privateKey": PAIR.private}),
    'KEY="' + PAIR.private.replace("\n", "\\n") + '"', f"export KEY='{PAIR.private}'", PAIR.private.replace("\n", "\r\n"),
    "  " + PAIR.private.replace("\n", "\n    "), PAIR.private.replace("\n", " "), PAIR.private.replace("\n", ""),
    f"# DKIM key\n; for a.example\n{PAIR.private}\nend", PAIR.private.replace("-----", "\u2014\u2014"), PAIR.public_pem + PAIR.private,
    "\n".join(f'"{line}\\n"' for line in PRIVATE_LINES), PAIR.private.replace("\n", "\\\n"), "".join(PRIVATE_LINES[1:-1]),
    "\\n".join(PRIVATE_LINES[1:-1]), '"' + "".join(PRIVATE_LINES[1:-1]) + '"', base64.b64encode(PAIR.private.encode()).decode(),
], ids=range(19))
def test_a_private_key_is_read_in_every_form_in_which_it_is_kept(form: str) -> None:
    pair = dkim.read_pair(form)
    assert (pair.private, pair.public) == (PAIR.private, PUBLIC)


@pytest.mark.parametrize("kept", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\n   ", "\\n"], ids=ascii)
def test_a_locked_key_is_said_to_be_locked_in_every_form(kept: PrivateFormat, ends: str) -> None:
    locked = rsa_key(1024).private_bytes(Encoding.PEM, kept, BestAvailableEncryption(b"secret")).decode()
    with pytest.raises(ValueError, match="locked with a password"):
        dkim.read_pair(locked.replace("\n", ends))


@pytest.mark.parametrize(("private", "reason"), [
    ("nonsense", "cannot be read"),
    ("", "cannot be read"),
    ("ü", "cannot be read"),
    ("\ud800", "cannot be read"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot be read"),
    (PAIR.public_pem, "cannot be read"),
    (as_pem(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
    (as_pem(rsa_key(1024), BestAvailableEncryption(b"secret")), "locked with a password"),
])
def test_a_private_key_that_the_gateway_could_not_use_says_why(private: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        dkim.read_pair(private)


def test_a_private_key_is_in_no_error_report() -> None:
    assert PAIR.private not in repr(PAIR)
    with pytest.raises(ValueError, match="cannot be read") as problem:
        dkim.read_pair(PAIR.private[:200])
    assert problem.value.__suppress_context__
    assert PAIR.private[30:60] not in str(problem.value)
