"""What a mail's headers tell a person: who it really is from, why it is held, and what the checks said.

All of it is read from headers, which the sender may have written too: a gateway adds its own on top, so only the first
header of a name counts. Header names follow RFC 8601 (Authentication-Results), RFC 7208 (Received-SPF) and the habits
of SpamAssassin and Fuglu; the contract names none of them.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

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
LONGEST_SENDER = 1000  # characters: one header line (RFC 5322, 2.1.1)
LONGEST_HEADER = 10_000  # characters
LABEL = r"[^\s@<>()\[\],;:\"\\.*?%!]"  # without what a rule could take for a wildcard
ADDRESS = re.compile(rf"(?:{LABEL}|\.){{1,256}}@({LABEL}+(?:\.{LABEL}+)+)")
TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # they turn the direction of what stands beside them
LISTED = re.compile(ADDRESS.pattern + r"\s*[,;]")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class Sender:
    """A From header taken apart: the name it shows and the address it really has, "" where it has none or several."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()


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


def sender(text: Any) -> Sender:
    """Take a From header apart, strictly: an address that can be read in two ways is no address."""
    if isinstance(text, list):
        text = text[0] if len(text) == 1 else ", ".join(map(str, text))
    text = " ".join(str(text or "").split())
    if len(text) > LONGEST_SENDER:
        return Sender(text[:LONGEST_SENDER], "")
    shown, angle, rest = text.rpartition("<")
    address = rest[:-1].strip() if angle and rest.endswith(">") else ("" if angle else text)
    # A display name may hold anything, an address too; what may not be is a second address beside the one in brackets.
    two = "<" in shown or LISTED.search(QUOTED.sub("", shown))
    if two or not ADDRESS.fullmatch(address) or not address.isprintable():
        return Sender(TURNING.sub("", text), "")
    return Sender(TURNING.sub("", shown).strip().strip('"').strip() if angle else "", address)


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
    dmarc = next((c for c in checks if c.name == "DMARC" and (c.passed or c.failed)), None)
    if dmarc:
        return dmarc.passed and (not dmarc.domain or _same_organisation(dmarc.domain, domain))
    return any(c.passed and _same_organisation(c.domain, domain) for c in checks if c.name in ("SPF", "DKIM"))


def explain(v: Verdict, limit: float | None = None) -> str:
    """One plain sentence: why this mail is held. `limit` is the policy's spam score, used where the headers name none."""
    limit = v.limit if v.limit is not None else limit
    match v.reason:
        case "VIRUS" if v.virus:
            return _("Held because the virus scanner found %(virus)s in it.") % {"virus": v.virus}
        case "VIRUS":
            return _("Held because the virus scanner found something in it.")
        case "SPAM" if v.score is not None and limit is not None:
            return _("Held as spam: its score is %(score)s, and from %(limit)s on a mail counts as spam here.") % {
                "score": number_format(v.score),
                "limit": number_format(limit),
            }
        case "SPAM":
            return _("Held as spam.")
        case "ADVERT":
            return _("Held as advertising: it looks like a newsletter, and this mailbox does not take them.")
        case "BLACKLISTED":
            return _("Held because a sender rule blocks this sender.")
        case "SENDER_VERIFY":
            return _("Held because it failed the sender verification.")
        case "BAD_HEADERS":
            return _("Held because its headers break the rules that every mail follows.")
        case "BAD_ENCODING":
            return _("Held because its text is encoded in a broken way.")
        case "BAD_ATTACHMENTS":
            return _("Held because it carries a kind of file that is not allowed here.")
    return _("The headers do not say why it is held.")


def doubts(v: Verdict, who: Sender, own_domains: set[str]) -> list[str]:
    """Why one should not simply allow this sender; empty where nothing speaks against it."""
    found = []
    if who.domain in FREE_MAIL:
        found.append(_("%(domain)s is a free-mail service: anyone can open an address there.") % {"domain": who.domain})
    if any(f".{_ascii(who.domain)}".endswith(f".{_ascii(own)}") for own in own_domains if own):
        found.append(
            _("%(domain)s is the customer's own domain: forgers like to pretend to be a colleague.") % {"domain": who.domain}
        )
    if masked := _masked(who):
        found.append(masked)
    if authentic(v.checks, who.domain) is False:
        found.append(
            _("The mail is not proven to come from %(domain)s: anyone can write this sender's name.") % {"domain": who.domain}
        )
    return found


def warnings(who: Sender, headers: Mapping[str, Any] | None) -> list[str]:
    """What tricks a reader: shown before the mail itself."""
    found = []
    if not who.address:
        found.append(_("There is no usable sender address in this mail."))
    elif masked := _masked(who):
        found.append(masked)
    if "xn--" in who.domain or not who.domain.isascii():
        found.append(_("The sender's domain has letters that can look like others: %(domain)s.") % {"domain": who.domain})
    answer = sender(header(headers, "Reply-To"))
    if answer.address and who.address and not _same_organisation(answer.domain, who.domain):
        found.append(_("An answer would go to another place: %(address)s.") % {"address": answer.address})
    return found


def _masked(who: Sender) -> str:
    """A warning when the sender's name pretends to be an address that the mail does not come from, else ""."""
    shown = ADDRESS.search(unicodedata.normalize("NFKC", who.name))  # a wide @ looks like one
    if shown is None or shown[0].lower() == who.address.lower():
        return ""
    return _("The sender's name shows another address (%(shown)s) than the mail comes from.") % {"shown": shown[0]}


def _checks(headers: Mapping[str, Any] | None) -> tuple[Check, ...]:
    found: dict[str, Check] = {}
    results = _results(headers)
    plain = _plain(results)
    if plain is None:  # torn by what the sender put in: whatever it says, it proves nothing
        return (Check("DMARC", "permerror", ""),)
    for part in plain.split(";")[1:]:
        if said := re.match(r"\s*(spf|dkim|dmarc)\s*=\s*(\w+)", part, re.IGNORECASE):
            # Not smtp.helo: a sender may call its server what it likes.
            check = Check(said[1].upper(), said[2].lower(), _domain(r"smtp\.mailfrom|header\.d|header\.i|header\.from", part))
            # Of several DKIM signatures one that passed is enough.
            if check.name not in found or (check.passed and not found[check.name].passed):
                found[check.name] = check
    received = _plain(header(headers, "Received-SPF"))
    if not results and received and (spf := re.match(r"(\w+)", received)):
        found["SPF"] = Check("SPF", spf[1].lower(), _domain("envelope-from", received))
    return tuple(found[name] for name in ("SPF", "DKIM", "DMARC") if name in found)


def _results(headers: Mapping[str, Any] | None) -> str:
    """The Authentication-Results of our gateway: those with its name where we know it (AUTHSERV_ID), else the first."""
    if not settings.AUTHSERV_ID:
        return header(headers, "Authentication-Results")
    for key, value in (headers or {}).items():
        if key.lower() == "authentication-results":
            for one in value if isinstance(value, list) else [value]:
                text = " ".join(str(one or "")[:LONGEST_HEADER].split())
                if re.split(r"[\s;]", text, maxsplit=1)[0].lower() == settings.AUTHSERV_ID.lower():
                    return text
    return ""


def _domain(names: str, text: str) -> str:
    """The domain in the value of one of these properties; "" where none or several say something."""
    where = re.findall(rf"(?<![^\s;])(?:{names})\s*=\s*<?([^\s;<>]+)", text)
    domains = {value.rpartition("@")[2].lower() for value in where}
    return domains.pop() if len(domains) == 1 else ""


def _plain(text: str) -> str | None:
    """A header without comments, and quoted text without marks: who sent the mail chose them, a `; dkim=pass` in them too.

    None where a comment or a quote has no end.
    """
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped or char == "\\":
            escaped = not escaped
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
            kept.append(" ")
        elif char == ")" and depth:
            depth -= 1
        elif not depth and (not quoted or char.isalnum() or char in "@.-_"):
            kept.append(char)
    return None if depth or quoted else "".join(kept)


def _ascii(domain: str) -> str:
    """A domain as it is spelled in the DNS, so that both spellings of an international one are the same."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def _same_organisation(one: str, other: str) -> bool:
    if not one or not other or "." not in one or "." not in other:  # a whole top-level domain vouches for nobody
        return False
    return one == other or one.endswith("." + other) or other.endswith("." + one)


def _after(mark: str, text: str) -> str:
    found = re.search(mark + r"(\S+)", text)
    return found[1].rstrip(",") if found else ""


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[+-]?\d{1,6}(\.\d{1,6})?", text) else None
