"""Links that lie: what a text says, what a browser opens, and what is only a file name."""

import pytest

from portal.meaning.links import Link, in_text, judged

ELSEWHERE = "https://elsewhere.test/x"


def odd(target: str, shown: str) -> bool | None:
    """Is it called misleading? None where it is no link at all."""
    found = judged([(target, shown)])
    return found[0].odd if found else None


@pytest.mark.parametrize("shown", [
    "bank.example", "https://bank.example", "HTTPS://BANK.EXAMPLE", "http:bank.example", "www.bank.example", "<https://bank.example>",
    "(bank.example)", "Sign in at bank.example", "bank.com", "BANK.COM", "BigBank.com", "BigBank.Com", "bbc.co.uk", "ubs.ch/login",
    "grüne-fracht.example", "xn--mnchen-3ya.de", "info@bank.example", "allegro.pl", "Rechnung.pdf bank.com", "login.microsoft.zip",
    "www.install.sh", "install.sh/login",
])
def test_a_text_that_names_another_host_is_misleading(shown: str) -> None:
    assert odd(ELSEWHERE, shown) is True


@pytest.mark.parametrize("shown", [
    "bank。example", "bank．example", "bank｡example", "bank\u2024example", "ba\u200bnk.com", "bank\u200d.com", "ba\u00adnk.com",
    "bank\u202a.com", "bank\u2060.\ufeffcom", "\u202emoc.knab", "x\u202dy",
    "bank\u06d4example", "bank\ua4f8com", "bank\u0701com",
], ids=ascii)
def test_characters_that_nobody_sees_or_that_look_like_a_full_stop_do_not_hide_a_host(shown: str) -> None:
    assert odd(ELSEWHERE, shown) is True


@pytest.mark.parametrize("unseen", "\u00ad\u200b\u3164\uffa0\u17b4\u180f\ufff9\U0001d173\U000e0061\U000e0100", ids=ascii)
def test_the_end_of_a_name_is_not_the_name_where_nobody_sees_what_divides_them(unseen: str) -> None:
    assert odd("https://bank.example/", f"my{unseen}bank.example") is True


@pytest.mark.parametrize("shown", [
    "Rechnung-2231.pdf", "Rechnung_1.zip", "Rechnung.2026.zip", "Angebot.docx", "readme.md", "setup.py", "install.sh", "main.rs",
    "backup.pl", "index.html", "jquery.min.js", "photo.jpg", "Node.js Kurs", "Vue.js", "ASP.NET", "ASP.NET Core", "Version 2.10",
    "v1.2.3", "1.10.2026", "12.50", "3.5 %", "Hr.Meier", "Fragen an Hr.Meier", "Müller.Huber", "Dr.med.Huber", "St.Gallen", "z.B.", "d.h. so",
    "i.V. Meier", "e.V.", "u.a.m.", "GmbH & Co.KG", "Art.Nr. 4711", "bezahlt.Am Montag", "client·es", "S.p.A.", "U.S.A.", "...", "",
])
def test_file_names_names_and_abbreviations_are_no_hosts(shown: str) -> None:
    assert odd(ELSEWHERE, shown) is False


@pytest.mark.parametrize("target", [
    "http://evil.test\\.bank.com/", "http:/evil.test", "http:evil.test", "http:\\\\evil.test", "http:///evil.test", "ht\ntp://evil.test",
    "http://ev\til.test/", "http://evil.test\n.bank.com/", "http://bank.com@evil.test/", "http://bank.com:x@evil.test/", "http://a@evil.test",
    "http://evil%2etest/", "http://bank\u200b.com", "https://b\u0430nk.example/", "https://ban\u212a.example", "http://bank.com:evil",
], ids=ascii)
def test_an_address_whose_host_only_a_browser_finds_is_misleading_whatever_it_shows(target: str) -> None:
    assert odd(target, "Click here") is True
    assert odd(target, "evil.test") is True


@pytest.mark.parametrize("target", [
    "https://bank.example:8443/x", "https://bank.example", "https://bank.example?x=a@b", "https://bank.example/\\x#@",
    "https://bank.example/pa\nth", " https://BANK.example/ ", "https://[2001:db8::1]/", "http://192.0.2.1/",
])
def test_an_ordinary_address_is_not_misleading(target: str) -> None:
    assert odd(target, "Click here") is False


@pytest.mark.parametrize(("target", "shown", "lies"), [
    ("https://bank.example:8443/x", "bank.example:8443", False),
    ("https://bank.example/x", "See https://bank.example/x).", False),
    ("https://evil.github.io/", "github.io", True),  # everybody can have a name below it
    ("https://a.evil.github.io/", "evil.github.io", False),
    ("https://bank.example/", "https://bank.example@evil.test", True),
    ("mailto:desk@evil.test", "desk@bank.example", True),
    ("mailto:desk@bank.example?cc=x@evil.test", "desk@bank.example", True),
    ("mailto:desk@bank.example,x@evil.test", "bank.example", True),
    ("mailto:desk@bank.example", "desk@bank.example", False),
    ("MAILTO:desk%40BANK.example?subject=x@y.test", "desk@bank.example", False),
    ("mailto:desk@mail.bank.example", "bank.example", False),
    ("mailto:desk@bank.example", "Anna Meier", False),
    ("mailto:x@stra\u00dfe.example", "x@xn--strae-oqa.example", False),
    ("mailto:x@strasse.example", "x@stra\u00dfe.example", True),
    ("files.evil.test/x", "https://bank.example", True),  # a mail program takes it for an address
    ("files.evil.test:8080/x", "Click here", False),
    ("//evil.test/x", "bank.example", True),
])
def test_what_is_shown_is_compared_with_where_it_goes(target: str, shown: str, lies: bool) -> None:
    assert odd(target, shown) is lies


@pytest.mark.parametrize("target", ["#top", "/x", "", "page.html", "javascript:alert(1)", "data:text/html,x", "cid:a.b@c", "tel:+41"])
def test_what_leads_nowhere_is_no_link(target: str) -> None:
    assert odd(target, "bank.example") is None


def test_an_address_without_its_scheme_is_shown_with_the_one_it_gets() -> None:
    assert judged([("//evil.test/x", "x"), ("evil.test/x", "y")]) == [
        Link("x", "https://evil.test/x", False), Link("y", "http://evil.test/x", False),
    ]


def test_the_punctuation_of_a_sentence_is_no_part_of_an_address() -> None:
    said = "See (https://a.example), „https://b.example/x“ or https://c.example/X_(Y). HTTP:\\\\evil.test\\.bank.com!"
    assert [(link.target, link.odd) for link in in_text(said)] == [
        ("https://a.example", False), ("https://b.example/x", False), ("https://c.example/X_(Y)", False),
        ("HTTP:\\\\evil.test\\.bank.com", True),
    ]


@pytest.mark.parametrize("text", [
    "a." * 1000, "-." * 1000, "@" * 2000, "a@" * 1000, "https:" * 500, "." * 2000, "ü." * 1000, "(" * 2000, "http://" + "[" * 2000, "\udc80.com",
    *(("http://a/" + "." * 1900 + "b ") * 100, ("http://a/(" + ")." * 900 + "]b ") * 100),
])
def test_any_text_and_any_target_is_judged(text: str) -> None:
    judged([(text, text[:300]), ("http://" + text, text), ("mailto:" + text, text)])
    in_text(text)
