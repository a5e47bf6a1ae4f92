"""DKIM records and keys: what the gateway's lines say, and what a private key of somebody is worth. No call is made here."""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
)
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from portal.meaning import dns

BITS, LEAST, MOST = 2048, 1024, 4096  # of an RSA key: the recommended length, and what receivers read (RFC 8301, 3.2)
LONGEST_LINE = 4000  # the record of the longest key is a quarter of that
SELECTOR = re.compile(r"(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_NAME = r"(?P<selector>[A-Za-z0-9._-]+?)\._domainkey\.(?P<domain>[A-Za-z0-9._-]+?)"
_LINE = re.compile(rf"\s*(?P<name>{_NAME})\.?\s+(?:\d+\s+)?(?:IN\s+)?TXT\s+(?P<value>\S.*?)\s*", re.IGNORECASE | re.DOTALL)
_DASHES = r"[-\u2013\u2014]{2,5}"  # text processors make other ones of them
PEM = re.compile(
    rf"{_DASHES}\s*BEGIN ([A-Z0-9 ]{{3,40}}?)\s*{_DASHES}((?:(?!BEGIN [A-Z]).)*?){_DASHES}\s*END \1\s*{_DASHES}", re.DOTALL
)
_TAG = re.compile(r"(?:^|[;\s(\"'])p[\"']?\s*[=:]\s*[\"']?([A-Za-z0-9+/=\s]+)")
_WRAPPING = re.compile(r"[\s\"'\\,]")  # what files and forms put between the lines of a key
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Record:
    """A record that belongs into DNS. `line` is what the gateway said; a line we do not understand has no `name`.

    `name` is the full one, without the dot at its end.
    """

    line: str
    name: str = ""
    selector: str = ""
    domain: str = ""
    value: str = ""

    @property
    def host(self) -> str:
        """The name within the zone of its domain."""
        return f"{self.selector}._domainkey"

    @property
    def strings(self) -> str:
        return " ".join(dns.strings(self.value))

    @property
    def zone(self) -> str:
        return dns.zone_line(self.name, self.value)

    @property
    def bits(self) -> int | None:
        """The length of its key; None for one of another kind than RSA, or one that cannot be read."""
        return _bits(self.public)

    @property
    def short(self) -> bool:
        return self.bits is not None and self.bits < BITS

    @property
    def public(self) -> str:
        """The public key in Base64, as the value has it."""
        tags = dict(part.partition("=")[::2] for part in re.sub(r"\s", "", self.value).split(";"))
        return tags.get("p", "")


def record(line: str) -> Record:
    """A line like `selector._domainkey.example.org TXT v=DKIM1; p=…` (getDkim, addDkim, updateDomainDkim)."""
    found = _LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
    if not found:
        return Record(line)
    value = found["value"]
    if value[0] in '("':
        value = "".join(piece.replace("\\", "") for piece in _QUOTED.findall(value))
    if not value.isascii() or not value.isprintable():
        return Record(line)
    return Record(line, found["name"], found["selector"], found["domain"], value)


def records(lines: Iterable[str | list[str]]) -> list[Record]:
    """The lines of getDkim: a list in its example, a list of lists in its table (docs/upstream, openapi: getDkim)."""
    return [record(line) for one in lines for line in ([one] if isinstance(one, str) else one)]


def record_for(selector: str, domain: str, public: str) -> Record:
    """The record that publishes `public` (Base64) under this selector."""
    name, value = f"{selector}._domainkey.{domain}", f"v=DKIM1; p={public}"
    return Record(f"{name} TXT {value}", name, selector, domain, value)


@dataclass(frozen=True)
class Pair:
    """An RSA key pair: the private key as PEM, the public one in Base64 as DNS has it."""

    private: str = field(repr=False)
    public: str
    bits: int

    @cached_property
    def public_pem(self) -> str:
        lines = [self.public[at : at + 64] for at in range(0, len(self.public), 64)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def make_pair() -> Pair:
    """A new pair. It takes a tenth of a second."""
    return _pair(rsa.generate_private_key(public_exponent=65537, key_size=BITS))


@sensitive_variables()
def read_pair(private: str) -> Pair:
    """The pair of a private key, as PEM or as its Base64 alone. Raises ValueError with the reason, for the reader."""
    try:
        key = _loaded(private)
    except TypeError:
        raise ValueError(_("This private key is locked with a password. Unlock it first: the gateway cannot.")) from None
    except (ValueError, UnsupportedAlgorithm):  # binascii.Error is a ValueError, and so is a text that is no UTF-8
        raise ValueError(_("This cannot be read as a private key. Paste all of it, with its first and last line.")) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(_("This is not an RSA key. The gateway signs with RSA."))
    if not LEAST <= key.key_size <= MOST:
        raise ValueError(
            _("This key has %(bits)s bits. It can have from %(least)s to %(most)s; %(best)s is usual.")
            % {"bits": key.key_size, "least": LEAST, "most": MOST, "best": BITS}
        )
    return _pair(key)


@sensitive_variables()
def _loaded(private: str) -> Any:
    """The key, checked. To find out whether a huge number is prime takes a minute, in which the whole process stands still: so
    the size is looked at first, and a key that is too long comes back as it is. Raises ValueError, TypeError or
    UnsupportedAlgorithm.
    """
    text, load = _line_ends(private), load_der_private_key
    if pem := next((found for found in PEM.finditer(text) if found[1].endswith("PRIVATE KEY")), None):
        load, data = load_pem_private_key, _pem(pem[1], pem[2])
    else:
        data = base64.b64decode(_WRAPPING.sub("", text), validate=True)
        if data.lstrip().startswith(b"-----BEGIN"):  # as Kubernetes keeps it
            load = load_pem_private_key
    key = load(data, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size > MOST:
        return key
    numbers = key.private_numbers()
    if numbers.p * numbers.q != numbers.public_numbers.n:
        raise ValueError("its primes belong to another key")
    return load(data, None)


def _line_ends(text: str) -> str:
    """Line ends written as \\n, as JSON and .env files have them, are line ends."""
    return re.sub(r"\\r\\n|\\[rn]", "\n", text)


@sensitive_variables()
def _pem(label: str, content: str) -> bytes:
    """PEM as its readers want it, whatever a mail, a form or a file has made of its lines."""
    if ":" in content:  # a locked key has headers of its own, which its lines keep apart
        lines = [line.strip(" \t\"'") for line in content.strip().splitlines()]
    else:
        content = _WRAPPING.sub("", content)
        lines = [content[at : at + 64] for at in range(0, len(content), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def bare_public(text: str) -> str:
    """A public key in Base64 as DNS has it, out of PEM, a record, quoted or not, or what a generator wrote around it."""
    text = _line_ends(text)
    if pem := PEM.search(text):
        return _spki(_WRAPPING.sub("", pem[2]))
    quoted = "".join(piece.replace("\\", "") for piece in _QUOTED.findall(text))
    found = next((tag for tag in map(_TAG.search, (quoted, text)) if tag), None)
    pieces = (found[1] if found else text).split()
    for end in range(min(len(pieces), 100), 0, -1):  # words may follow, which could be Base64 as well
        if _bits(key := _spki(_WRAPPING.sub("", "".join(pieces[:end])))):
            return key
    return _WRAPPING.sub("", "".join(pieces))


def _spki(public: str) -> str:
    """The usual form of a public key, also where PKCS #1 has it (`RSA PUBLIC KEY`)."""
    try:
        key = load_der_public_key(base64.b64decode(public, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return public
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@sensitive_variables()
def _pair(key: rsa.RSAPrivateKey) -> Pair:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Pair(private, base64.b64encode(public).decode(), key.key_size)


@lru_cache(1000)  # all records of a domain have the same key
def _bits(public: str) -> int | None:
    try:
        key = load_der_public_key(base64.b64decode(public, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else None
