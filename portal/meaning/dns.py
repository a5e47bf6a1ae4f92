"""Texts as DNS writes them. Pure functions: nothing here asks DNS for anything."""

TTL = 3600  # seconds, of the records that are proposed
STRING = 255  # bytes of one string of a TXT record, at most (RFC 1035, 3.3)


def strings(text: str) -> list[str]:
    """A text as the strings of a TXT record, 255 bytes each at most, each quoted as a zone file has it (RFC 1035, 5.1)."""
    data = text.encode("utf-8", "replace")
    pieces = [data[at : at + STRING] for at in range(0, len(data), STRING)] or [b""]
    return ['"' + "".join(map(_in_quotes, piece)) + '"' for piece in pieces]


def zone_line(name: str, text: str) -> str:
    """A TXT record as one line of a zone file."""
    return f"{name}. {TTL} IN TXT {' '.join(strings(text))}"


def _in_quotes(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03}"
