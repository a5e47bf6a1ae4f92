"""Charsets: a label means what mail programs take it for, and nothing that somebody writes there fails or costs much."""

import encodings

import pytest
from hypothesis import given, settings, strategies as st

from portal.meaning.charsets import codec, decode, of_markup, sure, words

RUSSIAN, KOREAN, CHINESE, JAPANESE, GREEK, HEBREW, THAI = (
    "Здравствуйте",
    "뷁 안녕하세요",
    "朱镕基 李喆",
    "①㈱髙島屋",
    "Καλημέρα",
    "שלום",
    "สวัสดี",
)

LABELS = [
    ("ks_c_5601-1987", "cp949", KOREAN), ("euc-kr", "cp949", KOREAN), ("windows-949", "cp949", KOREAN), ("UHC", "cp949", KOREAN),
    ("gb2312", "gb18030", CHINESE), ("x-gbk", "gb18030", CHINESE), ("GBK", "gb18030", CHINESE), ("cp936", "gb18030", CHINESE),
    ("hz-gb-2312", "hz", "汉字"), ("big5", "cp950", "國際"), ("big5-hkscs", "big5hkscs", "香港嘅"), ("cn-big5", "big5", "國際"),
    ("windows-31j", "cp932", JAPANESE), ("x-sjis", "cp932", JAPANESE), ("shift_jis", "cp932", JAPANESE), ("ms932", "cp932", JAPANESE),
    ("csISO2022JP", "iso2022_jp", "日本語 text"), ("iso-2022-kr", "iso2022_kr", "안녕"), ("johab", "johab", "안녕"),
    ("windows-1251", "cp1251", RUSSIAN), ("win-1251", "cp1251", RUSSIAN), ("cp1251", "cp1251", RUSSIAN), ("x-cp1251", "cp1251", RUSSIAN),
    ("koi8-r", "koi8-r", RUSSIAN), ("koi8-ru", "koi8-u", "Київ"), ("cyrillic", "iso8859-5", RUSSIAN), ("ibm866", "cp866", RUSSIAN),
    ("x-mac-cyrillic", "mac-cyrillic", RUSSIAN), ("koi8-r*ru", "koi8-r", RUSSIAN),
    ("greek", "iso8859-7", GREEK), ("hebrew", "iso8859-8", HEBREW), ("iso-8859-8-i", "iso8859-8", HEBREW), ("iso-8859-8-e", "iso8859-8", HEBREW),
    ("windows-874", "cp874", THAI), ("tis-620", "cp874", THAI), ("ibm850", "cp850", "Grüße"), ("cp437", "cp437", "Grüße"),
    ("iso-8859-1", "cp1252", "„Grüße“ €"), ("latin1", "cp1252", "Grüße €"), ("iso-8859-15", "iso8859-15", "€ œ"), ("iso_8859-2", "iso8859-2", "žluťoučký"),
    ("utf-7", "utf-7", "Grüße"), ("utf-16", "utf-16", "Grüße"), ("utf-16", "utf-16-be", "Grüße"), ("utf-16le", "utf-16-le", RUSSIAN), ("unicode", "utf-16-le", "Grüße"),
    ("utf-32", "utf-32", "Grüße"), ("utf8", "utf-8", "Grüße"), ('"utf-8"', "utf-8", "Grüße"), ("'windows-1251'", "cp1251", RUSSIAN), ("utf-8;x=y", "utf-8", "Grüße"),
    ("macintosh", "mac-roman", "Grüße"), ("windows-1252 (comment)", "cp1252", "€"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "codec_name", "text"), LABELS)
def test_a_label_is_read_as_mail_programs_read_it(label: str, codec_name: str, text: str):
    assert decode(text.encode(codec_name), label) == text


def test_letters_that_two_makers_put_into_japanese_charsets_are_read():
    assert decode(b"\x1b$B-!-j%F\x1b(B abc", "iso-2022-jp") == "①㈱テ abc"
    assert decode(b"\x1b(I\x36\x45\x1b(B!", "iso-2022-jp") == "ｶﾅ!"
    assert decode("日本".encode("euc_jp") + b"\xad\xa1", "euc-jp") == "日本①"


@pytest.mark.parametrize(
    "label", ["", "us-ascii", "unknown-8bit", "x-unknown", "default", "ansi_x3.110-1983", "nonsense", "8bit", "?"]
)
def test_where_the_label_says_nothing_the_bytes_are_looked_at(label: str):
    assert decode("Grüße €".encode(), label) == "Grüße €"
    assert decode("Grüße €".encode("cp1252"), label) == "Grüße €"
    assert decode(RUSSIAN.encode("cp1251"), label, "windows-1251") == RUSSIAN
    assert decode("日本語".encode("iso2022_jp"), label) == "日本語"
    assert decode(b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe", label) == "Grüße"
    assert decode("Grüße".encode("utf-16"), label) == "Grüße"


def test_one_bad_byte_spoils_one_letter():
    assert decode("Grüße ".encode() + b"f\xfcr Empf\xe4nger", "utf-8") == "Grüße f\ufffdr Empf\ufffdnger"
    assert decode("李喆".encode("gb18030") + b"\xff abc", "gb2312") == "李喆\ufffd abc"
    assert decode("안녕".encode("cp949") + b"\xff abc", "euc-kr") == "안녕\ufffd abc"


def test_text_that_is_no_utf8_at_all_is_not_lost_by_saying_so():
    assert decode("Grüße".encode("latin-1"), "utf-8") == "Grüße"
    assert decode(RUSSIAN.encode("cp1251"), "utf-8", "windows-1251") == RUSSIAN
    assert decode(b"plain", "utf-16") == "plain"


TRAPS = "punycode idna zlib zip bz2 hex base64 quopri uu rot13 rot_13 unicode_escape raw_unicode_escape undefined mbcs oem charmap string_escape"


@pytest.mark.parametrize(
    "label", [*TRAPS.split(), "a/../b", "../../etc/passwd", "x\0y", "utf-8\0", "x" * 5000, "ä", "*", "''", "encodings"]
)
def test_what_is_no_charset_is_never_used_as_one(label: str):
    assert codec(label) in ((), ("utf-8",))
    assert decode(b"hello \\ud800 xn--", label) == "hello \\ud800 xn--"


def test_labels_that_nobody_knows_are_not_kept_in_mind():
    before = len(encodings._cache)
    assert words(" ".join(f"=?nobody-{n}?q?x?=" for n in range(100))).count("x") == 100
    assert len(encodings._cache) <= before


def test_headers_are_read_with_their_languages_and_with_letters_that_two_words_share():
    assert words("=?koi8-r*ru?B?6dfBziDwxdTSz9c=?= <ivan@novosti.example>") == "Иван Петров <ivan@novosti.example>"
    assert words("=?KOI8-R*RU?B?8NLJ18XUIMnaIOvB2sHOyQ==?=") == "Привет из Казани"
    assert words("=?utf-8?Q?Gr=C3?=\r\n =?UTF-8?Q?=BC=C3=9Fe?=") == "Grüße"
    assert words("a =?utf-8?q?b_c?= d =?iso-8859-1?Q?=FC?= =?utf-8?Q?e?=") == "a b c d üe"
    assert words("=?utf-8?Q?mit Leerzeichen?= x") == "mit Leerzeichen x"
    assert words("=?utf-8?B?R3LDvMOf=?=") == "Grüß"
    assert words("=?x?=?=") == "=?x?=?="


def test_a_raw_subject_is_read_in_the_charset_of_the_text():
    assert words(RUSSIAN.encode("cp1251").decode("latin-1"), "windows-1251") == RUSSIAN
    assert words("Grüße".encode().decode("latin-1"), "windows-1251") == "Grüße"
    assert words("Привет €", "windows-1251") == "Привет €"  # somebody has decoded it already


def test_the_charset_of_markup_is_found_and_one_that_cannot_be_is_not_believed():
    assert of_markup(b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">') == "windows-1251"
    assert of_markup(b"<META charset='koi8-r'>") == "koi8-r"
    assert of_markup(b'<?xml version="1.0" encoding="iso-8859-2"?>') == "iso-8859-2"
    assert of_markup(b"<meta charset=utf-16>") == "utf-8"
    assert of_markup(b"<p>charset=koi8-r") == ""
    assert of_markup(b"<meta " * 2000) == ""


def test_a_label_is_sure_when_its_bytes_fit_and_not_everything_would():
    assert sure("Grüße".encode(), "utf-8")
    assert not sure("Grüße".encode("latin-1"), "utf-8")
    assert not sure("Grüße".encode("latin-1"), "iso-8859-1")
    assert not sure(b"x", "nonsense")


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(
    data=st.binary(max_size=200),
    label=st.text(max_size=20) | st.sampled_from([label for label, _name, _text in LABELS]),
    other=st.sampled_from(["", "gb2312", "utf-8", "x"]),
)
def test_no_bytes_and_no_label_fail_and_all_that_comes_out_can_be_sent(data: bytes, label: str, other: str):
    decode(data, label, other).encode()
    words(data.decode("latin-1"), other).encode()
