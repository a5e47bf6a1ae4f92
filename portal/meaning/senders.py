"""Who a message is from: From, Reply-To and their like taken apart (RFC 5322, 3.4), strictly.

An address that can be read in two ways is no address: a rule for it would be one for somebody else.
"""

import re
from dataclasses import dataclass
from typing import Any

from portal.meaning import charsets
from portal.meaning.letters import TURNING
from portal.meaning.names import canonical, with_letters

LONGEST = 1000  # characters: one header line (RFC 5322, 2.1.1)
LABEL = r"[^\s@<>()\[\],;:\"\\.*?%!]"  # without what a rule could take for a wildcard
ADDRESS = re.compile(rf"(?:{LABEL}|\.){{1,256}}@({LABEL}+(?:\.{LABEL}+)+)")
ROUTE = re.compile(r"@[^\s@,:<>]{1,255}(?:,@[^\s@,:<>]{1,255}){0,9}:")  # `<@relay.example:anna@bank.example>`, obsolete
GROUP = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"@<>:;,()])*):(.*);')
USUAL = re.compile(r'([^"()<>\\,;:@=]*)<([^\s"()<>\\,;:]+)>')
TEXT, QUOTE, COMMENT = "text", "quote", "comment"
Piece = tuple[str, str]


@dataclass(frozen=True)
class Sender:
    """A mailbox of a From header: the name it shows and the address it really has, "" where it has none or several.

    `several` are the addresses of a header that names more than one; `null` is one that names nobody, `<>`.
    """

    name: str
    address: str
    several: tuple[str, ...] = ()
    null: bool = False

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()

    @property
    def rule(self) -> str:
        """The address as a sender rule holds it: its domain as the DNS has it, xn--…."""
        local, at, domain = self.address.rpartition("@")
        return f"{local}{at}{canonical(domain)}"

    @property
    def shown(self) -> str:
        """The address with its own letters."""
        return with_letters(self.address)


def sender(text: Any) -> Sender:
    """The one who is named in a From header."""
    if isinstance(text, list):
        text = text[0] if len(text) == 1 else ", ".join(map(str, text))
    text = " ".join(str(text or "").split())
    if len(text) > LONGEST:
        return Sender(text[:LONGEST], "")
    usual = USUAL.fullmatch(text)  # nothing in it that could mean something: a list has forty of them
    if usual and ADDRESS.fullmatch(usual[2]) and usual[2].isprintable():
        return Sender(_name(usual[1]), usual[2])
    found = list({one.rule.lower() or one.name: one for one in mailboxes(text)}.values())  # the same one twice is one
    if len(found) == 1 and (found[0].address or found[0].null):
        return found[0]
    return Sender(_name(text), "", tuple(one.address for one in found if one.address) if len(found) > 1 else ())


def mailboxes(text: str, *, of_group: bool = False) -> list[Sender]:
    """Everybody whom an address header names; without an address where one has none that can be used."""
    text = text.strip()
    group = None if of_group else GROUP.fullmatch(text)  # `Sales: anna@bank.example, ben@bank.example;`, and none has groups
    if group:
        members = mailboxes(group[2], of_group=True)
        return [Sender(one.name or _name(group[1].replace('"', "")), one.address) for one in members]
    found: list[Sender] = []
    before: list[Piece] = []
    inside: list[Piece] = []
    after: list[Piece] = []
    current, whole = before, True
    for kind, content in pieces(text) or [(TEXT, text)]:
        for part in re.split("([,;<>])", content) if kind == TEXT else [content]:
            if kind != TEXT or part not in (",", ";", "<", ">"):
                _add(current, kind, part)
            elif part == "<":
                whole, current = whole and current is before, inside
            elif part == ">":
                whole, current = whole and current is inside, after
            elif current is before and not any(kind == TEXT and "@" in said for kind, said in before):
                _add(current, TEXT, part)  # `Keller, Anna <anna@bank.example>`: nobody has been named yet
            elif current is inside:
                _add(current, TEXT, part)
            else:
                found.append(_mailbox(before, inside if current is after else None, after, whole))
                current, whole = before, True
                for pieces_of_it in (before, inside, after):
                    pieces_of_it.clear()
    if current is not before or any(content.strip() for _kind, content in before):
        found.append(_mailbox(before, inside if current is not before else None, after, whole and current is not inside))
    return found


def pieces(text: str) -> list[Piece] | None:
    """A header as text, quoted strings and comments, the last two without their marks. None where one of them has no end."""
    found: list[Piece] = []
    kept: list[str] = []
    kind, depth, escaped = TEXT, 0, False
    for char in text:
        turns = TEXT
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
            if kind != TEXT:
                continue
        elif (char == '"' and kind != COMMENT) or (char == "(" and kind == TEXT) or (char == ")" and depth == 1):
            turns = QUOTE if char == '"' else COMMENT
        elif kind == COMMENT:
            depth += (char == "(") - (char == ")")
        if turns == TEXT:
            kept.append(char)
            continue
        found.append((kind, "".join(kept)))
        kept.clear()
        kind = turns if kind == TEXT else TEXT
        depth = int(kind == COMMENT)
    return None if kind != TEXT else [*found, (kind, "".join(kept))]


def _add(found: list[Piece], kind: str, content: str) -> None:
    if kind == TEXT and found and found[-1][0] == TEXT:
        content = found.pop()[1] + content
    found.append((kind, content))


def _mailbox(before: list[Piece], inside: list[Piece] | None, after: list[Piece], whole: bool) -> Sender:
    """One mailbox: `Name <address>`, or an address with a comment that says whose it is."""
    comments = [content for kind, content in (*before, *after) if kind == COMMENT]
    if inside is None:
        # An address in a comment before it is one that some program takes for the sender.
        first = next((at for at, (kind, content) in enumerate(before) if kind == TEXT and "@" in content), 0)
        good = whole and not any(ADDRESS.search(content) for _kind, content in before[:first])
        return Sender(_name(" ".join(comments)), _address([one for one in before if one[0] != COMMENT]) if good else "")
    said = "".join(f"({content})" if kind == COMMENT else content for kind, content in before).strip()
    rest = any(content.strip() for kind, content in after if kind != COMMENT)
    good = whole and not rest and "<" not in said  # a second address, or something that looks like one
    null = good and not any(content.strip() for _kind, content in inside)
    return Sender(_name(said or " ".join(comments)), _address(inside) if good else "", null=null)


def _address(found: list[Piece]) -> str:
    """The address in these pieces, "" where they are none."""
    found = [(kind, content) for kind, content in found if content.strip() or kind != TEXT]
    if len(found) == 2 and found[0][0] == QUOTE and re.fullmatch(rf"{LABEL}+(?:\.{LABEL}+)*", found[0][1]):
        found = [(TEXT, found[0][1] + found[1][1])]  # quotes that nothing needs
    if len(found) != 1 or found[0][0] != TEXT:
        return ""
    address = found[0][1].strip()
    address = address[route.end() :] if (route := ROUTE.match(address)) else address
    return address if ADDRESS.fullmatch(address) and address.isprintable() else ""


def _name(text: str) -> str:
    """A name to be shown: its encoded words read, and nothing in it that turns the address beside it around."""
    text = charsets.words(text) if "=?" in text else text
    return " ".join(TURNING.sub("", text).strip().strip('"').split())
