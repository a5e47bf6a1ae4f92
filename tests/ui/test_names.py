"""Names as people type them: what is sent, and what a person is told where it is none."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, strategies as st

from portal.meaning.names import canonical, domain_name, host_name, network, readable, same_organisation, with_letters

LABEL_64 = "a" * 64


@pytest.mark.parametrize(("typed", "sent"), [
    ("example.org", "example.org"), (" Example.ORG. ", "example.org"), ("münchen.example", "xn--mnchen-3ya.example"),
    ("MÜNCHEN.Example", "xn--mnchen-3ya.example"), ("straße.example", "xn--strae-oqa.example"),
    ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"), ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
    ("a-b.c--d.example", "a-b.c--d.example"), ("1und1.example", "1und1.example"), ("ｅｘａｍｐｌｅ.org", "example.org"),
    ("a" * 63 + ".example", "a" * 63 + ".example"), (".".join(["a" * 61] * 4) + ".exam", ".".join(["a" * 61] * 4) + ".exam"),
])
def test_a_domain_is_sent_as_mail_servers_speak_it(typed: str, sent: str) -> None:
    assert domain_name(typed) == sent


@pytest.mark.parametrize(("typed", "told"), [
    ("anna@example.org", "email address. Did you mean example.org?"), ("anna@", "Enter only the domain name"),
    ("https://example.org/mail?x=1", "web address. Did you mean example.org?"), ("example.org/mail", "Did you mean example.org?"),
    ("example.org:25", "Did you mean example.org?"), ("http://[::1", "Enter only the domain name"),
    ("exa mple.org", "cannot contain spaces"), ("example.org\n", ""), ("ex\tample.org", "cannot contain spaces"),
    ("my_shop.example", "cannot contain underscores"),
    ("example", "at least two parts"), ("", "A part between"), (".", "A part between"), ("example..org", "A part between two dots"),
    ("-shop.example", "no hyphen at the end"), ("shop-.example", "no hyphen at the end"), ("shop.123", "at least two parts"),
    ("192.0.2.1", "IP address"), (f"{LABEL_64}.example", "at most 63"), ("ü" * 64 + ".example", "too long"),
    ("a." * 127 + "example", "at most 253"), ("a" * 10_000, "at most 253"), ("*.example.org", "Use only letters"),
    ("<script>.example", "Use only letters"), ('"x".example', "Use only letters"), ("a\x00b.example", "Use only letters"),
    ("shop☃.example", "characters that are not allowed in domain names"),
    ("a\ud800.example", "characters that are not allowed in domain names"),
    ("a\u202eb.example", "characters that are not allowed in domain names"),
    ("ä\u0308\ud800.example", "characters that are not allowed in domain names"),
    ("ü" * 300 + ".example", "at most 253"), ("'.example", "Use only letters"),
])
def test_what_is_no_domain_is_refused_with_the_reason(typed: str, told: str) -> None:
    if not told:
        assert domain_name(typed) == "example.org"
        return
    with pytest.raises(ValidationError) as caught:
        domain_name(typed)
    assert told in " ".join(caught.value.messages)


@given(st.text(max_size=300))
def test_whatever_is_typed_gives_a_name_or_the_reason_why_not(typed: str) -> None:
    try:
        name = domain_name(typed)
    except ValidationError:
        return
    assert name.isascii() and len(name) <= 253 and domain_name(name) == name


@pytest.mark.parametrize(("typed", "sent"), [
    ("mail.example.org", "mail.example.org"), ("MAIL", "mail"), ("192.0.2.1", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1"),
    ("mail_1.intern", "mail_1.intern"), ("post.münchen.example.", "post.xn--mnchen-3ya.example"),
])
def test_a_server_is_a_name_or_an_address(typed: str, sent: str) -> None:
    assert host_name(typed) == sent


@pytest.mark.parametrize(("typed", "told"), [
    ("smtp://mail.example.org", "Enter a server such as mail.example.org"), ("anna@example.org", "Enter a server such as mail.example.org"),
    ("mail.example.org:25", "port has its own field"), ("mail example", "cannot contain spaces"), ("192.0.2.300", "looks like an IP"),
    ("mail..example", "A part between"), ("a" * 300, "at most 253"), ("<b>", "Use only letters"), ("a\x00b", "Use only letters"),
])
def test_what_is_no_server_is_refused_with_the_reason(typed: str, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        host_name(typed)
    assert told in " ".join(caught.value.messages)


@pytest.mark.parametrize(("typed", "sent"), [
    ("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.7", "192.0.2.7/32"), ("192.0.2.7/32", "192.0.2.7/32"),
    (" 192.0.2.0/28 ", "192.0.2.0/28"), ("0.0.0.0/0", "0.0.0.0/0"), ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
])
def test_a_network_is_sent_in_its_short_form(typed: str, sent: str) -> None:
    assert network(typed) == sent


@pytest.mark.parametrize(("typed", "told"), [
    ("192.0.2.17/24", "inside the network 192.0.2.0/24. Enter that, or 192.0.2.17/32 for the one address"),
    ("2001:db8::/48", "Only IPv4 networks are accepted"), ("2001:db8::1", "Only IPv4 networks are accepted"),
    ("::ffff:192.0.2.1", "Only IPv4 networks are accepted"),
    ("192.0.2.0/33", "not a network"), ("example.org", "not a network"), ("192.0.2", "not a network"), ("1" * 10_000, "not a network"),
    ("192.0.2.0/24/24", "not a network"), ("<script>", "not a network"), ("192.0.2.0/-1", "not a network"),
])
def test_what_is_no_network_is_refused_and_the_one_that_is_meant_is_named(typed: str, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        network(typed)
    assert told in " ".join(caught.value.messages)


@pytest.mark.parametrize(("name", "shown"), [
    ("xn--mnchen-3ya.example", "münchen.example"), ("example.org", ""), ("xn--.example", ""), ("xn--zzzzzz---.example", ""),
    (None, ""), ("", ""), ("xn--" + "9" * 1000, ""),
])
def test_a_name_is_read_with_its_own_letters(name: str | None, shown: str) -> None:
    assert readable(name) == shown


@pytest.mark.parametrize(("one", "other", "same"), [
    ("straße.example", "xn--strae-oqa.example", True), ("straße.example", "strasse.example", False), ("STRASSE.example", "strasse.example.", True),
    ("Grüne-Fracht.example", "xn--grne-fracht-uhb.example", True), ("☃.net", "xn--n3h.net", True), ("a_b.grün.example", "a_b.xn--grn-ioa.example", True),
])
def test_domains_are_compared_by_one_standard(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same


@pytest.mark.parametrize(("one", "other", "same"), [
    ("mail.bank.example", "bank.example", True), ("mail.bank.example", "news.bank.example", True), ("bank.co.uk", "shop.co.uk", False),
    ("a.bank.co.uk", "bank.co.uk", True), ("evil.github.io", "github.io", False), ("evil.github.io", "bank.github.io", False),
    ("github.io", "github.io", True), ("example", "example", False), ("example", "bank.example", False), ("co.uk", "bank.co.uk", False),
    ("192.0.2.1", "198.51.2.1", False), ("", "", False), ("a..b", "b", False), ("grüne-fracht.example", "x.xn--grne-fracht-uhb.example", True),
])
def test_domains_are_of_one_organisation_where_the_same_people_registered_them(one: str, other: str, same: bool) -> None:
    assert same_organisation(one, other) is same
    assert same_organisation(other, one) is same


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_no_name_is_compared_too(one: str, other: str) -> None:
    assert canonical(canonical(one)) == canonical(one) or not canonical(one).isascii()
    assert same_organisation(one, other) == same_organisation(other, one)
    assert isinstance(with_letters(one), str)
