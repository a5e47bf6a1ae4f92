"""Names and texts as DNS writes them. Pure functions: nothing here asks DNS for anything."""

import re

import idna

LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
STRING = 255  # bytes of one string of a TXT record, at most (RFC 1035, 3.3)


def mail_domain(text: str) -> str | None:
    """A domain name as mail servers speak it, in lower case and in A-labels (RFC 5890); None for what is none."""
    name = text.strip().removesuffix(".").lower()
    if len(name) > 253:
        return None
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except UnicodeError:
            return None
    labels = name.split(".")
    good = len(name) <= 253 and len(labels) > 1 and all(map(LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return name if good else None


def strings(text: str) -> list[str]:
    """A text as the strings of a TXT record, 255 bytes each at most, each quoted as a zone file has it (RFC 1035, 5.1)."""
    data = text.encode("utf-8", "replace")
    pieces = [data[at : at + STRING] for at in range(0, len(data), STRING)] or [b""]
    return ['"' + "".join(map(_in_quotes, piece)) + '"' for piece in pieces]


def zone_line(name: str, text: str, ttl: int = 3600) -> str:
    """A TXT record as one line of a zone file; `ttl` in seconds."""
    return f"{name}. {ttl} IN TXT ( {' '.join(strings(text))} )"


def _in_quotes(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03}"
