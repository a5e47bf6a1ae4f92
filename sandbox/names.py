"""What counts as a domain name and as a mail address."""

import re
from typing import Any

import idna

LABEL = r"[^\W_](?:[^\W_]|-){0,62}(?<!-)"
DOMAIN = re.compile(rf"(?=.{{1,253}}$)(?:{LABEL}\.)+(?!\d+$){LABEL}")
ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x1f]{1,64}@(?P<domain>.+)")
HOST = re.compile(r"[A-Za-z0-9_.:-]{1,255}")


def sender_of(value: Any) -> str | None:
    """An address or a domain, in lower case; None for anything else, a wildcard and a bare word among it."""
    if not isinstance(value, str):
        return None
    address = ADDRESS.fullmatch(value)
    return value.lower() if DOMAIN.fullmatch(address["domain"] if address else value) else None


def domain_of(value: str) -> str | None:
    """A domain name as mail servers speak it, in lower case and in ASCII; None where it is none."""
    try:
        name = value.lower() if value.isascii() else idna.encode(value, uts46=True).decode()
    except UnicodeError:  # idna.IDNAError is one
        return None
    return name if DOMAIN.fullmatch(name) else None


def address_of(value: str) -> str | None:
    """A mail address in lower case, its domain in ASCII; None where it is none."""
    local, _, domain = value.rpartition("@")
    name = domain_of(domain)
    found = f"{local.lower()}@{name}"
    return found if name and ADDRESS.fullmatch(found) else None
