"""What a mail's headers tell a person: who it really is from, why it is held, and what the checks said.

All of it is read from headers, which the sender may have written too: a gateway adds its own on top, so only the first
header of a name counts. Header names follow RFC 8601 (Authentication-Results), RFC 7208 (Received-SPF) and the habits
of SpamAssassin and Fuglu; the contract names none of them.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from portal.meaning.letters import UNSEEN
from portal.meaning.names import canonical, readable, same_organisation, with_letters
from portal.meaning.senders import ADDRESS, COMMENT, QUOTE, TEXT, Sender, mailboxes, pieces, sender

# Senders that anybody can register with: allowing one says nothing about who writes.
FREE_MAIL_DOMAINS = """
    126.com 163.com aol.com arcor.de bluemail.ch bluewin.ch email.com fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch
    gmx.com gmx.de gmx.fr gmx.net googlemail.com hey.com hispeed.ch hotmail.ch hotmail.com hotmail.de hotmail.es hotmail.fr
    hotmail.it icloud.com inbox.com inbox.ru jubii.dk laposte.net live.com live.dk live.fr live.no mac.com mail.com mail.de
    mail.dk mail.ru me.com msn.com online.de online.no orange.fr outlook.com outlook.de outlook.es outlook.fr posteo.de
    posteo.net proton.me protonmail.ch protonmail.com qq.com rocketmail.com sfr.fr sunrise.ch t-online.de telefonica.net
    tuta.com tutanota.com wanadoo.fr web.de yahoo.com yahoo.de yahoo.es yahoo.fr yandex.com yandex.ru ymail.com zoho.com
"""
FREE_MAIL = frozenset(FREE_MAIL_DOMAINS.split())

REASONS = ("SPAM", "VIRUS", "ADVERT", "BLACKLISTED", "SENDER_VERIFY", "BAD_HEADERS", "BAD_ENCODING", "BAD_ATTACHMENTS")
PASS, FAIL = "pass", ("fail", "softfail", "permerror", "policy", "hardfail")
LONGEST_HEADER = 10_000  # characters
MOST_HEADERS, MOST_CHECKS, MOST_SHOWN = 50, 20, 5  # of one name, of one kind, and of the addresses in a sentence


@dataclass(frozen=True)
class Check:
    """One authentication check: `name` is SPF, DKIM or DMARC, `result` the checker's word, `domain` what was checked."""

    name: str
    result: str
    domain: str

    @property
    def passed(self) -> bool:
        return self.result == PASS

    @property
    def failed(self) -> bool:
        return self.result in FAIL


@dataclass(frozen=True)
class Verdict:
    """Why a mail is held. `reason` is one of REASONS or "", `score` and `limit` are None where no header tells them."""

    reason: str
    score: float | None
    limit: float | None
    tests: tuple[str, ...]
    virus: str
    infected: bool
    checks: tuple[Check, ...]


def header(headers: Mapping[str, Any] | None, name: str) -> str:
    """The first header of that name, in any case, as one line; "" where there is none."""
    return _line(_by_name(headers).get(name.lower()))


def _by_name(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """The headers by their names in lower case; of several spellings of a name the first counts."""
    found: dict[str, Any] = {}
    for name, value in (headers or {}).items():
        found.setdefault(name.lower(), value)
    return found


def _line(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return " ".join(str(first or "")[:LONGEST_HEADER].split())


def author(said: Any, headers: Mapping[str, Any] | None) -> Sender:
    """Who a message is from: whom the gateway names, or the headers where it names nobody, or where they name several."""
    who, written = sender(said), _values(headers, "From")
    if len(written) > 1 or (written and not who.address and not who.several):
        found = sender(written)
        who = found if found.address or found.several or found.null else who
    return who


def verdict(headers: Mapping[str, Any] | None, *, checks: bool = True) -> Verdict:
    """What the gateway's own headers say about a mail; a list can do without the limit, the tests and the checks."""
    known = _by_name(headers)
    status = _line(known.get("x-spam-status"))
    virus_status = _line(known.get("x-virus-status"))
    reason = _line(known.get("x-quarantine-reason")).upper()
    infected = virus_status.lower().startswith(("infected", "yes")) or reason == "VIRUS"
    named = re.search(r"\(([^)]{1,120})\)", virus_status) if infected else None
    if reason not in REASONS:
        spam = status.lower().startswith("yes") or _line(known.get("x-spam-flag")).lower() == "yes"
        reason = "VIRUS" if infected else "SPAM" if spam else ""
    tests = re.search(r"\btests=([\w,.\s-]+?)(?:\s+\w+=|$)", status) if checks else None
    score = _number(_line(known.get("x-spam-score")))
    return Verdict(
        reason=reason,
        score=score if score is not None else _number(_after("score=", status)),
        limit=_number(_after("required=", status)) if checks else None,
        tests=tuple(t for t in re.split(r"[,\s]+", tests[1]) if t and t.lower() != "none")[:30] if tests else (),
        virus=named[1] if named else "",
        infected=infected,
        checks=_checks(headers) if checks else (),
    )


def authentic(checks: tuple[Check, ...], domain: str) -> bool | None:
    """Did this domain really send the mail? None where nobody checked.

    DMARC decides where it was checked; else SPF or DKIM count only when they passed for the sender's own domain: passing
    for some other domain is what a forger does.
    """
    if not checks:
        return None
    dmarc = [check for check in checks if check.name == "DMARC" and (check.passed or check.failed)]
    if dmarc:
        return any(check.passed and (not check.domain or same_organisation(check.domain, domain)) for check in dmarc)
    return any(check.passed and same_organisation(check.domain, domain) for check in checks if check.name in ("SPF", "DKIM"))


def explain(v: Verdict, limit: float | None = None) -> str:
    """One plain sentence: why this mail is held. `limit` is the policy's spam score, used where the headers name none."""
    limit = v.limit if v.limit is not None else limit
    match v.reason:
        case "VIRUS" if v.virus:
            return _("Held because the virus scanner found %(virus)s in it.") % {"virus": v.virus}
        case "VIRUS":
            return _("Held because the virus scanner found something in it.")
        case "SPAM" if v.score is not None and limit is not None:
            return _("Held as spam: it scored %(score)s, and %(limit)s or more is treated as spam here.") % {
                "score": number_format(v.score),
                "limit": number_format(limit),
            }
        case "SPAM":
            return _("Held as spam.")
        case "ADVERT":
            return _("Held as advertising: it looks like a newsletter, and this mailbox does not accept those.")
        case "BLACKLISTED":
            return _("Held because a sender rule blocks this sender.")
        case "SENDER_VERIFY":
            return _("Held because it failed sender verification.")
        case "BAD_HEADERS":
            return _("Held because its headers break the rules for email.")
        case "BAD_ENCODING":
            return _("Held because its text encoding is broken.")
        case "BAD_ATTACHMENTS":
            return _("Held because it contains a file type that is not allowed here.")
    return _("The headers do not say why it is held.")


def doubts(v: Verdict, who: Sender, own_domains: set[str]) -> list[str]:
    """Why one should not simply allow this sender; empty where nothing speaks against it."""
    found = []
    if canonical(who.domain) in FREE_MAIL:
        found.append(_("%(domain)s is a free email service: anyone can get an address there.") % {"domain": who.domain})
    if any(f".{canonical(who.domain)}".endswith(f".{canonical(own)}") for own in own_domains if own):
        found.append(_("%(domain)s is the customer's own domain: forgers often pose as a colleague.") % {"domain": who.domain})
    if masked := _masked(who):
        found.append(masked)
    if authentic(v.checks, who.domain) is False:
        found.append(
            _("The message is not confirmed to come from %(domain)s: anyone can fake this sender.") % {"domain": who.domain}
        )
    return found


def warnings(who: Sender, headers: Mapping[str, Any] | None) -> list[str]:
    """What tricks a reader: shown before the mail itself."""
    found = []
    if who.several:
        told = _("This message names several senders: %(addresses)s. A rule can be made for only one sender.")
        found.append(told % {"addresses": _listed(who.several)})
        if by := sender(header(headers, "Sender")).address:
            found.append(_("It says that %(address)s sent it on their behalf.") % {"address": with_letters(by)})
    elif who.null:
        found.append(_("This message has no sender, like bounces and automatic replies."))
    elif not who.address:
        found.append(_("This message has no usable sender address."))
    elif masked := _masked(who):
        found.append(masked)
    if "xn--" in who.domain or not who.domain.isascii():
        # Both spellings: letters show what a reader takes it for, and the other one what it is.
        domains = dict.fromkeys((who.domain, readable(who.domain), canonical(who.domain)))
        told = _("The sender's domain contains letters that can look like others: %(domain)s.")
        found.append(told % {"domain": " = ".join(filter(None, domains))})
    known = [address.rpartition("@")[2] for address in who.several or (who.address,) if address]
    answers = [one.address for text in _values(headers, "Reply-To") for one in mailboxes(text) if one.address]
    foreign = [to for to in answers if not any(same_organisation(to.rpartition("@")[2], domain) for domain in known)]
    if known and foreign:
        found.append(_("Replies go to a different address: %(address)s.") % {"address": _listed(foreign)})
    return found


def _listed(addresses: Iterable[str]) -> str:
    """The first of these addresses, each once, with their own letters."""
    found = list(dict.fromkeys(map(with_letters, addresses)))
    return ", ".join(found[:MOST_SHOWN]) + (" …" if len(found) > MOST_SHOWN else "")


def _masked(who: Sender) -> str:
    """A warning when the sender's name pretends to be an address that the mail does not come from, else ""."""
    shown = ADDRESS.search(unicodedata.normalize("NFKC", UNSEEN.sub("", who.name)))  # a wide @ looks like one
    if shown is None:
        return ""
    local, _at, domain = shown[0].rpartition("@")
    if f"{local}@{canonical(domain)}".lower() == who.rule.lower():
        return ""
    return _("The sender's name shows a different address (%(shown)s) from the one the message comes from.") % {"shown": shown[0]}


def _checks(headers: Mapping[str, Any] | None) -> tuple[Check, ...]:
    """The results of the gateway's checks: of each kind those that passed, or else the first."""
    found: dict[str, list[Check]] = {"SPF": [], "DKIM": [], "DMARC": []}
    results = _results(headers)
    for plain in results:
        if plain is None:  # torn by what the sender put in: whatever it says, it proves nothing
            return (Check("DMARC", "permerror", ""),)
        for part in plain.split(";"):  # the name of the checker is none of these, and may be missing
            if said := re.match(r"\s*(spf|dkim|dmarc)\s*(?:/\s*\d+\s*)?=\s*(\w+)", part, re.IGNORECASE):
                name = said[1].upper()
                found[name].append(Check(name, said[2].lower(), _checked(name, part)))
    received = _plain(header(headers, "Received-SPF"))
    if not results and received and (spf := re.match(r"(\w+)", received)):
        found["SPF"] = [Check("SPF", spf[1].lower(), _domain("envelope-from", received))]
    # Of several DKIM signatures one that passed is enough, and anybody's may be the one of the sender's own domain.
    kept = [[one for one in checks if one.passed] or checks[:1] for checks in found.values()]
    return tuple(one for checks in kept for one in list(dict.fromkeys(checks))[:MOST_CHECKS])


def _results(headers: Mapping[str, Any] | None) -> list[str | None]:
    """The Authentication-Results of our gateway, made plain: all with its name where we know it (AUTHSERV_ID), else the first."""
    found = [(text, _plain(text)) for text in _values(headers, "Authentication-Results")]
    if not settings.AUTHSERV_ID:
        return [plain for _text, plain in found[:1]]
    ours = canonical(settings.AUTHSERV_ID)
    # The name may be followed by a version (RFC 8601, 2.2).
    return [plain for text, plain in found if canonical(re.split(r"[\s;]", (plain or text).strip(), maxsplit=1)[0]) == ours]


def _values(headers: Mapping[str, Any] | None, name: str) -> list[str]:
    """All headers of that name, each as one line. A gateway gives a list of them, or one text with a line for each."""
    values = [value for key, value in (headers or {}).items() if key.lower() == name.lower()]
    each = [str(one or "") for value in values for one in (value if isinstance(value, list) else [value])[:MOST_HEADERS]]
    lines = re.split(r"\r?\n(?![ \t])", "\n".join(one[:LONGEST_HEADER] for one in each)[: 5 * LONGEST_HEADER])
    return [" ".join(line.split()) for line in lines if line.strip()][:MOST_HEADERS]


def _checked(name: str, part: str) -> str:
    """The domain that a check was about. Not smtp.helo: a sender may call its server what it likes."""
    if name == "SPF":
        return _domain(r"smtp\s*\.\s*mailfrom", part)
    if name == "DMARC":
        return _domain(r"header\s*\.\s*from", part)
    signer, user = _domain(r"header\s*\.\s*d", part), _domain(r"header\s*\.\s*i", part)
    if signer and user and not f".{user}".endswith(f".{signer}"):  # no signature can be both
        return ""
    return signer or ("" if re.search(r"header\s*\.\s*d\s*=", part, re.IGNORECASE) else user)


def _domain(names: str, text: str) -> str:
    """The domain in the value of one of these properties; "" where none or several say something."""
    where = re.findall(rf"(?<![^\s;])(?:{names})\s*=\s*<?([^\s;<>]+)", text, re.IGNORECASE)
    domains = {value.rpartition("@")[2].lower() for value in where}
    return domains.pop() if len(domains) == 1 else ""


def _plain(text: str) -> str | None:
    """A header without comments, and quoted text without marks: who sent the mail chose them, a `; dkim=pass` in them too.

    None where a comment or a quote has no end.
    """
    found = pieces(text)
    if found is None:
        return None
    left = {TEXT: r"\\.?", QUOTE: r"[^\w@.-]"}  # what goes
    return "".join(" " if kind == COMMENT else re.sub(left[kind], "", content) for kind, content in found)


def _after(mark: str, text: str) -> str:
    found = re.search(mark + r"(\S+)", text)
    return found[1].rstrip(",") if found else ""


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[+-]?\d{1,6}(\.\d{1,6})?", text) else None
