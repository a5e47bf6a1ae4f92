"""What headers tell: who a mail is really from, why it is held, and whether its sender may be believed. All of it hostile."""

import re
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation
from hypothesis import given, settings as hypothesis_settings, strategies as st

from portal.meaning.verdict import REASONS, Check, Sender, Verdict, authentic, doubts, explain, header, sender, verdict, warnings

BOSS, EVIL = "boss@bank.example", "evil@crook.example"
LANGUAGES = [code for code, _name in settings.LANGUAGES]
OTHER_A = "boss@b\u0430nk.example"  # the a is Cyrillic


# Who it is from


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        (EVIL, "", EVIL),
        (f"<{EVIL}>", "", EVIL),
        (f"Eve <{EVIL}>", "Eve", EVIL),
        (f'"Crook, Eve" <{EVIL}>', "Crook, Eve", EVIL),
        (f"Crook, Eve <{EVIL}>", "Crook, Eve", EVIL),
        (f"  Eve\r\n\t<{EVIL}>  ", "Eve", EVIL),
        ([EVIL], "", EVIL),
        ("bounce+a=b.c@news.example", "", "bounce+a=b.c@news.example"),
        ("Jürg Müller <juerg@grüne-fracht.example>", "Jürg Müller", "juerg@grüne-fracht.example"),
        # A name that shows another address: the address is the one the mail has; `warnings` speaks of the name.
        (f"{BOSS} <{EVIL}>", BOSS, EVIL),
        (f'"{BOSS}" <{EVIL}>', BOSS, EVIL),
        (f"'{BOSS}' <{EVIL}>", f"'{BOSS}'", EVIL),
        (f'"{BOSS}, and others" <{EVIL}>', f"{BOSS}, and others", EVIL),
        (f"=?utf-8?q?boss=40bank.example?= <{EVIL}>", BOSS, EVIL),
        (f"=?utf-8?q?J=C3=BCrg?= =?iso-8859-1?q?_M=FCller?= <{EVIL}>", "Jürg Müller", EVIL),
        (f"=?nonsense?q?x?= =?utf-8?b?!!!?= <{EVIL}>", "x", EVIL),
        # A comment says whose address it is, as cron and mail servers write it.
        ("root@db1.example (Cron Daemon)", "Cron Daemon", "root@db1.example"),
        ("MAILER-DAEMON@mx.example (Mail Delivery System)", "Mail Delivery System", "MAILER-DAEMON@mx.example"),
        ("(Cron) root@db1.example", "Cron", "root@db1.example"),
        (r"root@db1.example (Cron (the \) \"daemon\") of db1)", 'Cron (the ) "daemon") of db1', "root@db1.example"),
        (f"<{EVIL}> (Eve)", "Eve", EVIL),
        (f"Eve <{EVIL}> (boss)", "Eve", EVIL),
        (f"Eve (Sales) <{EVIL}>", "Eve (Sales)", EVIL),
        (f"{EVIL} (the boss: {BOSS})", f"the boss: {BOSS}", EVIL),
        (f"Crook, Eve (a, b) <{EVIL}>", "Crook, Eve (a, b)", EVIL),
        (f'O"Brien <{EVIL}>', 'O"Brien', EVIL),
        (f"Sales :( <{EVIL}>", "Sales :(", EVIL),
        (f"{EVIL},", "", EVIL),
        ('"evil.eve"@crook.example', "", "evil.eve@crook.example"),
        ('Eve <"evil.eve"@crook.example>', "Eve", "evil.eve@crook.example"),
        (f"<@relay.example,@other.example:{EVIL}>", "", EVIL),
        (f"Crooks: {EVIL};", "Crooks", EVIL),
        (f'"The Crooks": Eve <{EVIL}>;', "Eve", EVIL),
        ("jürg@bank.example", "", "jürg@bank.example"),
    ],
)
def test_a_sender_is_a_name_and_the_address_in_the_angle_brackets(text: Any, name: str, address: str):
    assert sender(text) == Sender(name, address)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        [],
        {},
        0,
        "Eve",
        "Eve <>",
        "<>",
        "@",
        "@crook.example",
        "evil@",
        "undisclosed-recipients:;",
        f"<{BOSS}> <{EVIL}>",
        f"Boss <{BOSS}> <{EVIL}>",
        f'"Boss <{BOSS}>" <{EVIL}>',
        f'"<{BOSS}>" {EVIL}',
        f"<<{EVIL}>>",
        f"<{EVIL}",
        f"{EVIL}>",
        f"Eve <{EVIL}> Boss",
        f"Eve <{EVIL}> (boss) {BOSS}",
        f"({BOSS}) {EVIL}",
        "evil(comment)@crook.example",
        "<evil(comment)@crook.example>",
        f"{EVIL} (never closed",
        f"{EVIL} (closed) twice)",
        '"evil eve"@crook.example',
        f"<@{BOSS}:{EVIL}>",
        f"<{BOSS}:{EVIL}>",
        f"{BOSS},{EVIL}",
        f"{BOSS}, {EVIL}",
        f"{BOSS}; {EVIL}",
        f"{BOSS} {EVIL}",
        f"{BOSS}, Eve <{EVIL}>",
        f"Boss <{BOSS}>, Eve <{EVIL}>",
        f"friends:{BOSS}, Eve <{EVIL}>;",
        [BOSS, EVIL],
        [BOSS, f"Eve <{EVIL}>"],
        "a@b@crook.example",
        f'"{BOSS}"@crook.example',
        f"{BOSS}\\@crook.example",
        "evil@[192.0.2.1]",
        "x" * 300 + "@crook.example",
        "evil@crook.example.",  # the same domain to a mail server, and another one to every list of domains
        "evil@.crook.example",
        "evil@crook..example",
        "evil\x00@crook.example",
        "evil@crook.example\x00",
        "evil@cro\u200bok.example",  # nothing to be seen between two letters
        "\u202eelpmaxe.knab@ssob",  # read from right to left
        f"=?utf-8?q?=3Cboss@bank.example=3E?= {EVIL}",
    ],
    ids=ascii,
)
def test_an_address_that_can_be_read_in_two_ways_or_in_none_is_no_address(text: Any):
    assert sender(text).address == ""


def test_several_senders_are_all_shown_and_none_of_them_is_the_sender():
    found = sender(f"Boss <{BOSS}>, Eve <{EVIL}>")
    assert (found.name, found.address, found.several) == (f"Boss <{BOSS}>, Eve <{EVIL}>", "", (BOSS, EVIL))
    assert sender(f"friends: {BOSS}, {EVIL};").several == (BOSS, EVIL)
    said = warnings(found, {"Sender": "Desk <desk@third.example>"})
    assert f"several senders: {BOSS}, {EVIL}." in said[0]
    assert "desk@third.example" in said[1]


@pytest.mark.parametrize("text", ["<>", "< >", "MAILER-DAEMON <>", "<> (Mail Delivery System)"])
def test_nobody_as_the_sender_is_told_as_such(text: str):
    found = sender(text)
    assert (found.address, found.null) == ("", True)
    assert warnings(found, {}) == ["This message has no sender, like bounces and automatic replies."]


@pytest.mark.parametrize(("address", "rule", "shown"), [
    ("boss@grüne-fracht.example", "boss@xn--grne-fracht-uhb.example", "boss@grüne-fracht.example"),
    ("boss@xn--grne-fracht-uhb.example", "boss@xn--grne-fracht-uhb.example", "boss@grüne-fracht.example"),
    ("Boss@Straße.example", "Boss@xn--strae-oqa.example", "Boss@Straße.example"),
    ("jürg@bank.example", "jürg@bank.example", "jürg@bank.example"),
    (BOSS, BOSS, BOSS),
])
def test_a_domain_with_letters_of_its_own_is_a_rule_in_ascii_and_shown_in_letters(address: str, rule: str, shown: str):
    assert (sender(address).rule, sender(address).shown) == (rule, shown)


def test_the_domain_is_what_stands_behind_the_at_sign_in_small_letters():
    assert sender("Eve@Crook.EXAMPLE").domain == "crook.example"
    assert sender("nobody").domain == ""


# Headers


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Spam-Score": "5"}, "5"),
        ({"x-spam-score": "5"}, "5"),
        ({"X-SPAM-SCORE": ["5", "-100"]}, "5"),  # the gateway's is on top, the forger's below
        ({"X-Spam-Score": "5", "x-spam-score": "-100"}, "5"),
        ({"X-Spam-Score": ["5"]}, "5"),
        ({"X-Spam-Score": []}, ""),
        ({"X-Spam-Score": None}, ""),
        ({"X-Spam-Score": [None, "5"]}, ""),
        ({"X-Spam-Score": 5}, "5"),
        ({"X-Spam-Score": " a\r\n\tb  c "}, "a b c"),
        ({"X-Spam-Scores": "5"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_header_is_its_first_occurrence_in_any_case_on_one_line(headers: Any, found: str):
    assert header(headers, "X-Spam-Score") == found


STATUS = "Yes, score=12.3 required=5.0 tests=BAYES_99,HTML_MESSAGE, URIBL_BLACK autolearn=no version=4.0"


def test_the_spam_status_gives_score_limit_and_tests():
    v = verdict({"X-Spam-Status": STATUS})
    assert (v.reason, v.score, v.limit) == ("SPAM", 12.3, 5.0)
    assert v.tests == ("BAYES_99", "HTML_MESSAGE", "URIBL_BLACK")
    assert not v.infected


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, ""),
        (None, ""),
        ({"X-Spam-Status": "No, score=1"}, ""),
        ({"X-Spam-Flag": "YES"}, "SPAM"),
        ({"X-Spam-Flag": "yes "}, "SPAM"),
        ({"X-Spam-Flag": "NO"}, ""),
        ({"X-Quarantine-Reason": "advert"}, "ADVERT"),
        ({"X-Quarantine-Reason": "BLACKLISTED", "X-Spam-Flag": "YES"}, "BLACKLISTED"),
        ({"X-Quarantine-Reason": "MOON", "X-Spam-Flag": "YES"}, "SPAM"),
        ({"X-Quarantine-Reason": ["", "VIRUS"]}, ""),
        ({"X-Virus-Status": "Infected (Eicar)", "X-Spam-Flag": "YES"}, "VIRUS"),
        *(({"X-Quarantine-Reason": reason}, reason) for reason in REASONS),
    ],
)
def test_the_reason_is_the_gateways_word_or_what_its_checks_say(headers: Any, reason: str):
    assert verdict(headers).reason == reason


@pytest.mark.parametrize(
    ("headers", "infected", "virus"),
    [
        ({"X-Virus-Status": "Infected (Eicar-Test-Signature)"}, True, "Eicar-Test-Signature"),
        ({"X-Virus-Status": "INFECTED"}, True, ""),
        ({"X-Virus-Status": "Yes (a) (b)"}, True, "a"),
        ({"X-Virus-Status": "Yes (never closed"}, True, ""),
        ({"X-Virus-Status": "Yes (" + "x" * 500 + ")"}, True, ""),
        ({"X-Virus-Status": "Clean (Eicar)"}, False, ""),
        ({"X-Virus-Status": "No, not infected"}, False, ""),
        ({"X-Quarantine-Reason": "VIRUS"}, True, ""),
        ({"X-Quarantine-Reason": "VIRUS", "X-Virus-Status": "Clean"}, True, ""),
        ({}, False, ""),
    ],
)
def test_a_mail_is_infected_when_scanner_or_quarantine_say_so(headers: Any, infected: bool, virus: str):
    v = verdict(headers)
    assert (v.infected, v.virus) == (infected, virus)


@pytest.mark.parametrize(
    ("headers", "score", "limit"),
    [
        ({"X-Spam-Score": "7.5"}, 7.5, None),
        ({"X-Spam-Score": "-2"}, -2, None),
        ({"X-Spam-Score": "7.5", "X-Spam-Status": STATUS}, 7.5, 5.0),
        ({"X-Spam-Score": "high", "X-Spam-Status": STATUS}, 12.3, 5.0),
        ({"X-Spam-Score": "0", "X-Spam-Status": STATUS}, 0, 5.0),
        ({"X-Spam-Score": 7}, 7, None),
        ({"X-Spam-Status": "Yes, score=3, required=2, tests=none"}, 3, 2),
        *(({"X-Spam-Score": odd}, None, None) for odd in ("nan", "inf", "1e309", "9" * 400, "1,5", "0x10", "", "1 2")),
    ],
)
def test_a_score_is_a_plain_number_or_none(headers: Any, score: float | None, limit: float | None):
    v = verdict(headers)
    assert (v.score, v.limit) == (score, limit)


def test_no_test_is_no_test_and_ten_thousand_are_thirty():
    assert verdict({"X-Spam-Status": "No, score=1 tests=none"}).tests == ()
    assert len(verdict({"X-Spam-Status": "Yes tests=" + ",".join(f"T{n}" for n in range(10_000))}).tests) == 30


# Authentication


def checks(results: str, **more: Any) -> dict[str, tuple[str, str]]:
    found = verdict({"Authentication-Results": f"mx.gateway.example; {results}", **more}).checks
    return {check.name: (check.result, check.domain) for check in found}


def test_the_checks_are_read_with_their_result_and_domain():
    found = checks(
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=bounce@Bank.example; dkim=fail (bad signature) header.d=bank.example "
        "header.s=s1; dmarc=none header.from=bank.example; arc=pass"
    )
    assert found == {"SPF": ("pass", "bank.example"), "DKIM": ("fail", "bank.example"), "DMARC": ("none", "bank.example")}


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ("SPF = Pass smtp.mailfrom=bank.example", {"SPF": ("pass", "bank.example")}),
        ('spf=pass smtp.mailfrom="bounce@bank.example"', {"SPF": ("pass", "bank.example")}),
        ("dkim=pass header.i=@mail.bank.example", {"DKIM": ("pass", "mail.bank.example")}),
        ("dkim=fail header.d=a.example; dkim=pass header.d=bank.example", {"DKIM": ("pass", "bank.example")}),
        ("dkim=pass header.d=bank.example; dkim=fail header.d=a.example", {"DKIM": ("pass", "bank.example")}),
        ("spf=none", {"SPF": ("none", "")}),
        ("DKIM/1=PASS Header.D=Bank.example", {"DKIM": ("pass", "bank.example")}),
        ("dkim = (good) pass (2048 (rsa)) header . d = (the signer) bank.example", {"DKIM": ("pass", "bank.example")}),
        ("dkim=pass header.d=bank.example header.i=@news.bank.example", {"DKIM": ("pass", "bank.example")}),
        ("dkim=pass header.i=@news.bank.example header.d=bank.example header.s=s1", {"DKIM": ("pass", "bank.example")}),
        ("dkim=pass header.d=bank.example header.i=@crook.example", {"DKIM": ("pass", "")}),
        ("arc=pass (i=1 spf=pass dkim=pass dkdomain=bank.example); dkim-adsp=pass; x-dkim=pass; iprev=pass", {}),
        ("none", {}),
        ("None (nothing was checked)", {}),
        ("", {}),
        ("spf=", {}),
        (";;;", {}),
    ],
)
def test_authentication_results_come_in_many_spellings(results: str, found: dict[str, tuple[str, str]]):
    assert checks(results) == found


@pytest.mark.parametrize(
    "results",
    [
        "spf=pass smtp.mailfrom=b.massmail.example; dkim=pass header.d=massmail.example; dkim=pass header.d=bank.example",
        "dkim=pass header.d=bank.example; dkim=pass header.d=massmail.example",
        "dkim=fail header.d=bank.example; dkim=pass header.d=news.bank.example",
        "dkim=pass header.d=bank.example header.i=@news.bank.example",
        "dkim=pass header.d=mail.bank.example",
        "dmarc=pass (p=reject; dis=none) header.from=bank.example",
    ],
)
@pytest.mark.parametrize("checker", [
    "mx.gateway.example; ", "mx.gateway.example 1; ", "mx.gateway.example 1 (a comment; dmarc=fail) ; ", '"mx.gateway.example"; ',
    "(a comment) mx.gateway.example;", "", "; ",
])
def test_any_check_that_passed_for_the_senders_organisation_proves_it(checker: str, results: str):
    found = verdict({"Authentication-Results": checker + results}).checks
    assert authentic(found, "info.bank.example") is True
    assert authentic(found, "crook.example") is False


def test_the_checks_of_a_message_with_a_thousand_signatures_are_twenty():
    signed = "; ".join(f"dkim=pass header.d=d{n}.example" for n in range(300))
    assert len(verdict({"Authentication-Results": f"mx; {signed}"}).checks) == 20


def test_received_spf_counts_where_no_other_header_has_it():
    spf = "pass (gateway: designates 192.0.2.1) client-ip=192.0.2.1; envelope-from=<bounce@bank.example>; helo=mx"
    assert verdict({"Received-SPF": spf}).checks == (Check("SPF", "pass", "bank.example"),)
    assert verdict({"Received-SPF": 'Fail envelope-from="a@bank.example"'}).checks == (Check("SPF", "fail", "bank.example"),)
    assert checks("dkim=none", **{"Received-SPF": spf}) == {"DKIM": ("none", "")}  # the sender may have written the second header
    assert checks("spf=fail smtp.mailfrom=a.example", **{"Received-SPF": spf}) == {"SPF": ("fail", "a.example")}


def test_only_the_gateways_own_results_count_and_not_the_forgers_below():
    headers = {
        "Authentication-Results": ["mx; spf=fail smtp.mailfrom=crook.example", "mx; dmarc=pass header.from=bank.example"],
        "Received-SPF": ["fail envelope-from=a@crook.example", "pass envelope-from=a@bank.example"],
    }
    assert verdict(headers).checks == (Check("SPF", "fail", "crook.example"),)


@pytest.mark.parametrize(
    "results",
    [
        # The crook's own domain passes. The address at it was chosen so that the line seems to speak of the bank.
        'spf=pass smtp.mailfrom="x@bank.example"@crook.example',
        'spf=pass smtp.mailfrom="a; dkim=pass header.d=bank.example "@crook.example',
        'spf=pass smtp.mailfrom="a\\"; dmarc=pass header.from=bank.example; x=\\""@crook.example',
        'spf=pass smtp.mailfrom="; dkim=pass header.d=bank.example',
        'spf=pass smtp.mailfrom="a;dmarc=pass;b"@crook.example',
        "spf=pass smtp.mailfrom=header.d=bank.example@crook.example",
        "spf=pass (mailfrom a; dkim=pass header.d=bank.example; b) smtp.mailfrom=crook.example",
        "spf=pass ((a) ; dkim=pass header.d=bank.example; b) smtp.mailfrom=crook.example",
        "spf=pass (never closed; dkim=pass header.d=bank.example",
        'dkim=pass reason="header.d=bank.example" header.d=crook.example',
        "dkim=pass (header.d=bank.example) header.d=crook.example",
        'dkim=pass header.i="a header.d=bank.example"@crook.example',
        "dkim=pass x.header.d=bank.example header.d=crook.example",
        "dmarc=pass header.from=crook.example",
        "spf=pass smtp.mailfrom=bank.example.crook.example",
        "spf=pass smtp.mailfrom=evilbank.example",
        "spf=pass smtp.mailfrom=crook.example; dkim=pass header.d=crook.example",
        "spf=pass; dkim=pass",
    ],
)
def test_passing_for_another_domain_proves_nothing_however_it_is_written(results: str):
    found = verdict({"Authentication-Results": f"mx.gateway.example; {results}"}).checks
    assert authentic(found, "bank.example") is False


def test_a_forged_received_spf_comment_or_name_proves_nothing():
    for spf in (
        'pass (a; envelope-from=x@bank.example) envelope-from="a@crook.example"',
        'pass helo="envelope-from=x@bank.example"; envelope-from=a@crook.example',
        'pass envelope-from="x@bank.example"@crook.example',
    ):
        assert authentic(verdict({"Received-SPF": spf}).checks, "bank.example") is False


SPF, DKIM, DMARC = (lambda r, d="bank.example", n=n: Check(n, r, d) for n in ("SPF", "DKIM", "DMARC"))


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        ((), None),
        ((SPF("pass"),), True),
        ((SPF("pass", "mail.bank.example"),), True),
        ((DKIM("pass"),), True),
        ((SPF("fail"), DKIM("pass")), True),
        ((SPF("pass"), DKIM("fail")), True),
        ((SPF("pass", "crook.example"),), False),
        ((SPF("pass", "crook.example"), DKIM("pass", "crook.example")), False),
        ((SPF("pass", ""), DKIM("pass", "")), False),
        ((SPF("neutral"),), False),
        ((SPF("none"), DKIM("none")), False),
        ((SPF("fail"), DKIM("fail")), False),
        ((DMARC("pass"),), True),
        ((DMARC("pass", ""),), True),
        ((SPF("fail"), DKIM("fail"), DMARC("pass")), True),
        ((DMARC("pass", "crook.example"),), False),
        ((SPF("pass"), DKIM("pass"), DMARC("fail")), False),
        ((SPF("pass"), DMARC("softfail")), False),
        ((SPF("pass"), DMARC("none")), True),
        ((SPF("fail"), DMARC("none")), False),
        ((DMARC("none"),), False),
    ],
)
def test_a_domain_has_sent_a_mail_when_dmarc_says_so_or_else_spf_or_dkim_for_that_very_domain(found: Any, answer: bool | None):
    assert authentic(found, "bank.example") is answer


# Sentences

EVERY = [
    Verdict(reason, score, limit, (), virus, bool(virus), ())
    for reason, score, limit, virus in product(("", *REASONS), (None, 12.5), (None, 5.0), ("", "Eicar"))
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_a_sentence_of_its_own_in_every_language(language: str):
    with translation.override(language):
        for v in EVERY:
            said = explain(v)
            assert said.endswith(".")
            assert "%(" not in said
        assert len({explain(Verdict(reason, None, None, (), "", False, ())) for reason in ("", *REASONS)}) == len(REASONS) + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_tells_score_limit_and_virus(language: str):
    with translation.override(language):
        spam, unlimited = (Verdict("SPAM", 12.5, limit, (), "", False, ()) for limit in (5.5, None))
        assert re.findall(r"\d+[.,]\d+", explain(spam)) in (["12.5", "5.5"], ["12,5", "5,5"])
        assert re.findall(r"\d+[.,]\d+", explain(unlimited, 7.5)) in (["12.5", "7.5"], ["12,5", "7,5"])
        assert explain(spam, 7.5) == explain(spam), "the mail's own headers come before the policy of today"
        assert "%(x)s{0}" in explain(Verdict("VIRUS", None, None, (), "%(x)s{0}", True, ()))


def judged(*found: Check) -> Verdict:
    return Verdict("SPAM", None, None, (), "", False, found)


GOOD = judged(SPF("pass"))


def test_nothing_speaks_against_a_stranger_who_is_proven():
    assert doubts(GOOD, sender(BOSS), {"nordwind.example"}) == []


def test_nobody_having_checked_is_no_doubt_of_its_own():
    assert doubts(judged(), sender(BOSS), set()) == []


@pytest.mark.parametrize(
    ("v", "text", "own", "about"),
    [
        (GOOD, "somebody@gmail.com", set(), "gmail.com"),
        (GOOD, "Somebody@GMAIL.com", set(), "gmail.com"),
        (GOOD, BOSS, {"bank.example"}, "bank.example"),
        (GOOD, "boss@mail.bank.example", {"bank.example"}, "mail.bank.example"),
        (GOOD, "boss@xn--grne-fracht-uhb.example", {"grüne-fracht.example"}, "xn--grne-fracht-uhb.example"),
        (GOOD, "boss@grüne-fracht.example", {"xn--grne-fracht-uhb.example"}, "grüne-fracht.example"),
        (judged(SPF("fail")), BOSS, set(), "bank.example"),
        (judged(SPF("pass", "crook.example")), BOSS, set(), "bank.example"),
        (judged(DMARC("fail"), SPF("pass")), BOSS, set(), "bank.example"),
        (GOOD, f'"ceo@nordwind.example" <{BOSS}>', set(), "ceo@nordwind.example"),
    ],
)
def test_one_thing_that_speaks_against_a_sender_is_one_doubt(v: Verdict, text: str, own: set[str], about: str):
    who = sender(text)
    proven = v if v is not GOOD else judged(SPF("pass", who.domain))
    found = doubts(proven, who, own)
    assert len(found) == 1
    assert about in found[0]


def test_everything_that_speaks_against_a_sender_is_said():
    who = sender('"ceo@nordwind.example" <somebody@gmail.com>')
    assert len(doubts(judged(DMARC("fail", "gmail.com")), who, {"gmail.com"})) == 4


@pytest.mark.parametrize("own", ["ank.example", "other.bank.example", "bank.example.com", "bank"])
def test_a_domain_that_only_looks_like_the_own_one_is_no_own_domain(own: str):
    assert doubts(GOOD, sender(BOSS), {own}) == []


def test_a_free_mail_service_is_the_domain_itself_and_not_what_ends_like_it():
    assert doubts(judged(SPF("pass", "notgmail.com")), sender("a@notgmail.com"), set()) == []


# Warnings


@pytest.mark.parametrize(
    ("text", "headers", "about"),
    [
        ("", {}, "no usable sender"),
        (f"<{BOSS}> <{EVIL}>", {}, "no usable sender"),
        (f"{BOSS} <{EVIL}>", {}, BOSS),
        (f'"the boss: {BOSS}!" <{EVIL}>', {}, BOSS),
        (f"boss\uff20bank.example <{EVIL}>", {}, BOSS),  # a wide @
        (OTHER_A, {}, OTHER_A.partition("@")[2]),
        ("boss@xn--bnk-5cd.example", {}, "xn--bnk-5cd.example"),
        (BOSS, {"Reply-To": EVIL}, EVIL),
        (BOSS, {"reply-to": [f"Boss <{EVIL}>", BOSS]}, EVIL),
        (BOSS, {"Reply-To": f"{BOSS}, Eve <{EVIL}>"}, EVIL),
        (BOSS, {"Reply-To": [BOSS, EVIL]}, EVIL),
        (BOSS, {"Reply-To": f"{BOSS}\r\nx", "reply-to": f"{EVIL} (the boss)"}, EVIL),
        (BOSS, {"Reply-To": f"Desk: {BOSS}, {EVIL};"}, EVIL),
        (BOSS, {"Reply-To": "x@straße.example"}, "x@straße.example"),
        ("boss@strasse.example", {"Reply-To": "boss@straße.example"}, "boss@straße.example"),
        ("a@bank.github.io", {"Reply-To": "a@evil.github.io"}, "a@evil.github.io"),
        (f"{BOSS}, boss@bank2.example", {"Reply-To": EVIL}, EVIL),
        (f"{EVIL} ({BOSS})", {}, BOSS),
        (f"bo\u200bss@bank.example <{EVIL}>", {}, BOSS),
        (f"=?utf-8?b?Ym9zc0BiYW5rLmV4YW1wbGU=?= <{EVIL}>", {}, BOSS),
        ("boss@xn--grne-fracht-uhb.example", {}, "grüne-fracht.example"),
    ],
    ids=ascii,
)
def test_what_tricks_a_reader_is_said(text: str, headers: Any, about: str):
    assert any(about in said for said in warnings(sender(text), headers))


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        (BOSS, {}),
        (BOSS, None),
        (f"The Boss <{BOSS}>", {}),
        (f'"{BOSS.upper()}" <{BOSS}>', {}),
        (f"Bank @ Zürich <{BOSS}>", {}),
        (BOSS, {"Reply-To": BOSS}),
        (BOSS, {"Reply-To": "desk@mail.bank.example"}),
        ("news@mail.bank.example", {"Reply-To": BOSS}),
        (BOSS, {"Reply-To": "nonsense"}),
        (BOSS, {"Reply-To": "a:" * 3000 + ";" * 3000}),
        (BOSS, {"Reply-To": f"The Boss <{BOSS}>, desk@news.bank.example (a, b@c)"}),
        ("a@news.bank.example", {"Reply-To": "a@mail.bank.example"}),
        ("root@db1.example (Cron Daemon)", {}),
        (f'"{BOSS}" <Boss@bank.example>', {}),
    ],
)
def test_an_ordinary_mail_is_shown_without_a_warning(text: str, headers: Any):
    assert warnings(sender(text), headers) == []


def test_a_warning_repeats_hostile_text_as_it_is_and_breaks_on_none():
    said = warnings(sender(f"%(shown)s{{0}} {BOSS} <{EVIL}>"), {"Reply-To": "a{0}s@crook2.example"})
    assert any(BOSS in line for line in said)
    assert any("a{0}s@crook2.example" in line for line in said)


@pytest.mark.parametrize("text", [
    "mx; spf=pass smtp.mailfrom=evil.example smtp.mailfrom=bank.example", "mx; spf=pass smtp.helo=bank.example",
    "mx; spf=pass smtp.mailfrom=(a@bank.example; dmarc=fail header.from=bank.example",
    'mx; spf=pass smtp.mailfrom="a@bank.example; dmarc=fail header.from=bank.example', "mx; dkim=pass header.d=example",
])
def test_a_torn_or_doubled_result_proves_nothing(text: str):
    assert authentic(verdict({"Authentication-Results": text}).checks, "bank.example") is False


def test_only_the_gateway_of_that_name_is_believed(settings):
    settings.AUTHSERV_ID = "mx1.gateway.example"
    forged, ours = "mx.evil.example; dmarc=pass header.from=bank.example", "mx1.gateway.example; dmarc=fail header.from=bank.example"
    assert verdict({"Authentication-Results": forged}).checks == ()
    assert verdict({"authentication-results": [forged, ours]}).checks == (Check("DMARC", "fail", "bank.example"),)


@pytest.mark.parametrize("id", ["mx1.gateway.example", "MX1.Gateway.example", "mx1.gateway.example 1", '"mx1.gateway.example"', "(x) mx1.gateway.example"])
@pytest.mark.parametrize("together", [list, "\n".join, "\r\n".join])
def test_all_headers_of_the_gateways_name_count_together(id: str, together: Any, settings):
    settings.AUTHSERV_ID = "mx1.gateway.example"
    headers = [
        f"{id}; spf=pass\r\n smtp.mailfrom=massmail.example", "mx.evil.example; dmarc=fail", f"{id};\n\tdkim=pass header.d=bank.example",
        "dmarc=fail header.from=bank.example",
    ]
    found = verdict({"Authentication-Results": together(headers)}).checks
    assert found == (Check("SPF", "pass", "massmail.example"), Check("DKIM", "pass", "bank.example"))
    torn = [*headers, 'mx1.gateway.example; spf=pass smtp.mailfrom="never closed']
    assert authentic(verdict({"authentication-results": torn}).checks, "bank.example") is False


@pytest.mark.parametrize("text", ["News <*@*>", "x <*@*.com>", "<%@%.%>", "<a*b@bank.example>", "<root@localhost>", "<a?@b.example>"])
def test_what_a_rule_could_take_for_a_wildcard_is_no_address(text: str):
    assert sender(text).address == ""


def test_a_name_cannot_turn_the_address_beside_it_around():
    assert sender("\u202eknaB <x@evil.example>") == Sender("knaB", "x@evil.example")


# Whatever comes

NAMES = st.sampled_from(
    ("X-Spam-Status", "X-Spam-Score", "X-Spam-Flag", "X-Virus-Status", "X-Quarantine-Reason", "Authentication-Results")
) | st.sampled_from(("Received-SPF", "Reply-To", "x-spam-status", "authentication-results"))
WORDS = st.sampled_from(("yes", "infected", "1e5", "bank.example", "xn--", "spf=pass", "dmarc=fail"))
MARKS = st.sampled_from(("score=", "required=", "tests=", "dkim=", "header.d=", "smtp.mailfrom=", "envelope-from=<"))
BITS = WORDS | MARKS | st.sampled_from(';"()\\@<>, ä\n\x00\ud800\u202e')
TEXT = st.one_of(st.text(), st.lists(BITS, max_size=25).map("".join))
SIMPLE = TEXT | st.none() | st.integers() | st.floats() | st.booleans()
VALUE = SIMPLE | st.lists(SIMPLE | st.lists(SIMPLE, max_size=3), max_size=3) | st.dictionaries(st.text(), SIMPLE, max_size=3)


@hypothesis_settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(headers=st.dictionaries(NAMES | st.text(), VALUE), text=VALUE)
def test_no_header_however_odd_makes_it_fail(headers: dict[str, Any], text: Any):
    v, who = verdict(headers), sender(text)
    assert v.reason in ("", *REASONS)
    assert who.address == "" or who.address.count("@") == 1
    assert len(v.tests) <= 30
    assert authentic(v.checks, who.domain) in (True, False, None)
    assert explain(v)
    assert all(isinstance(line, str) for line in doubts(v, who, {"bank.example", ""}) + warnings(who, headers))


@hypothesis_settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(local=st.text(), domain=st.text(), name=st.text())
def test_an_address_once_found_has_nothing_in_it_that_cannot_be_seen(local: str, domain: str, name: str):
    for text in (f"{local}@{domain}", f"{name} <{local}@{domain}>", f'"{name}" <{local}@{domain}>'):
        who = sender(text)
        assert who.address == "" or (who.address.isprintable() and not set(who.address) & set(' <>,;:"\\()[]'))


@pytest.mark.parametrize(
    "text", ["(", '"', "\\", "()", "a;", "a,", "A ", "a", "@", "a@", "a.", "<", "tests=", "score=", ";dkim=pass header.d="]
)
def test_a_header_of_a_hundred_thousand_characters_is_read(text: str):
    long = (text * 100_000)[:100_000]
    names = ("Authentication-Results", "Received-SPF", "X-Spam-Status", "X-Virus-Status", "Reply-To")
    headers = dict.fromkeys(names, f"a; spf=pass {long}")
    who = sender(long)
    assert who.address == ""
    assert verdict(headers).reason == ""
    assert len(warnings(who, headers)) in (1, 2)
