"""Names of domains, hosts and networks.

As people type them they are checked before anything is sent: domain_name, host_name and network raise ValidationError.
As mail and links bring them along they are compared, and shown, whatever they are: canonical, organisation, with_letters.
"""

import re
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from publicsuffixlist import PublicSuffixList

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
RESERVED = frozenset(("example", "test", "invalid", "localhost", "local", "internal", "home", "lan", "onion"))  # RFC 6761
HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")  # machines inside a company do have underscores


def domain_name(text: str) -> str:
    """A mail domain in lower case and in ASCII (RFC 5890), as it is sent: `münchen.example` is `xn--mnchen-3ya.example`."""
    name = text.strip().removesuffix(".")
    if "@" in name:
        raise ValidationError(_meant(_("This is an email address."), name.rpartition("@")[2]))
    if "/" in name or ":" in name:
        raise ValidationError(_meant(_("This is a web address."), _web_host(name)))
    if re.search(r"\s", name):
        raise ValidationError(_("A domain name cannot contain spaces."))
    if _is_address(name):
        raise ValidationError(_("This is an IP address. Enter a domain name such as example.org."))
    name = _ascii(name)
    labels = name.split(".")
    if "_" in name:
        raise ValidationError(_("The name of a mail domain cannot contain underscores."))
    if not all(map(LABEL.fullmatch, labels)):
        raise ValidationError(_odd(labels))
    if len(labels) < 2 or labels[-1].isdigit():
        raise ValidationError(_("Enter a whole domain name. It has at least two parts, such as example.org."))
    return name


def host_name(text: str) -> str:
    """A server: an IP address, or a name in lower case and in ASCII. A single word is one too, inside a company."""
    name = text.strip().removesuffix(".")
    if _is_address(bare := name.strip("[]")):
        return bare.lower()
    if "@" in name or "/" in name:
        raise ValidationError(_("Enter a server such as mail.example.org or 192.0.2.1."))
    if ":" in name:
        raise ValidationError(_("Enter only the server here; the port has its own field."))
    if re.search(r"\s", name):
        raise ValidationError(_("The name of a server cannot contain spaces."))
    name = _ascii(name)
    labels = name.split(".")
    if not all(map(HOST_LABEL.fullmatch, labels)):
        raise ValidationError(_odd(labels))
    if labels[-1].isdigit():
        raise ValidationError(_("This looks like an IP address but is not valid."))
    return name


def network(text: str) -> str:
    """A network as "required format: a.b.c.d/y" (r:6026), which is of IPv4. A bare address is the network of itself alone."""
    try:
        found = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValidationError(_("not a network. Enter one such as 192.0.2.0/24.")) from None
    if found.version == 6:
        raise ValidationError(_("an IPv6 network. Only IPv4 networks are accepted, such as 192.0.2.0/24."))
    if "/" in text and ip_address(text.strip().partition("/")[0]) != found.network_address:
        alone = f"{text.strip().partition('/')[0]}/{found.max_prefixlen}"
        told = _("an address inside the network %(network)s. Enter that, or %(alone)s for the one address.")
        raise ValidationError(told % {"network": found, "alone": alone})
    return str(found)


def readable(name: str | None) -> str:
    """A domain name with its own letters, "" where it has none but ASCII."""
    try:
        found = idna.decode(name or "") if "xn--" in (name or "").lower() else ""
    except (idna.IDNAError, UnicodeError):
        return ""
    return found if found != (name or "").lower() else ""


@lru_cache(2000)
def canonical(name: str) -> str:
    """A domain as it is compared: in ASCII and small letters, by IDNA 2008 (ß is a letter of its own). What is no name stays."""
    name = name.strip().removesuffix(".").lower()
    if name.isascii() or len(name) > 253:
        return name
    try:
        return idna.encode(name, uts46=True).decode().removesuffix(".").lower()
    except (idna.IDNAError, UnicodeError):  # IDNA forbids ☃ and browsers go there: label by label, as far as it goes
        return ".".join(map(_label, re.split("[.\u3002\uff0e\uff61]", name)))


def organisation(name: str) -> str:
    """The part of a domain that somebody registered, in canonical form: `a.b.co.uk` is `b.co.uk`'s, `x.github.io` its own.

    "" for what vouches for nobody: a public suffix (com, co.uk, github.io) and a single word. An IP address is its own.
    """
    name = canonical(name)
    return name if name.rpartition(".")[2].isdigit() else _suffixes().privatesuffix(name) or ""


def same_organisation(one: str, other: str) -> bool:
    """Are these domains one, or of one organisation? That is what DMARC calls aligned (RFC 7489, 3.1.1)."""
    one, other = canonical(one), canonical(other)
    if "." not in one or "." not in other:  # a whole top-level domain vouches for nobody
        return False
    return one == other or organisation(one) == organisation(other) != ""


def public_suffix(name: str) -> bool:
    """Does the list know the ending of this name, or is it one that is kept for examples and for networks of one's own?"""
    name = canonical(name)
    return name.rpartition(".")[2] in RESERVED or bool(_suffixes(unknown=False).publicsuffix(name))


def _label(label: str) -> str:
    if label.isascii():
        return label
    try:
        mapped = idna.uts46_remap(label, False)
        return mapped if mapped.isascii() else "xn--" + mapped.encode("punycode").decode()
    except (idna.IDNAError, UnicodeError):
        return label


@cache
def _suffixes(unknown: bool = True) -> PublicSuffixList:
    """The public suffix list as the package ships it, with its private section: read when it is first asked."""
    return PublicSuffixList(accept_unknown=unknown)


def with_letters(address: str) -> str:
    """A domain, or an address, with the letters of its own where the domain is written as xn--…."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{readable(domain) or domain}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _ascii(name: str) -> str:
    """With other letters as xn--…. IDNA 2008, with capitals and full-width characters taken for what they mean (UTS 46)."""
    if len(name) > 253:
        raise ValidationError(_("A name can have at most 253 characters."))
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode()
        except (idna.IDNAError, UnicodeError):
            raise ValidationError(
                _("It contains characters that are not allowed in domain names, or a part that is too long.")
            ) from None
    if len(name) > 253:
        raise ValidationError(_("A name can have at most 253 characters."))
    return name.lower()


def _odd(labels: list[str]) -> str:
    if "" in labels:
        return _("A part between two dots is missing.")
    if any(len(label) > 63 for label in labels):
        return _("Each part between the dots can have at most 63 characters.")
    return _("Use only letters, digits and hyphens, with no hyphen at the end of a part.")


def _web_host(text: str) -> str:
    try:
        return urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""


def _meant(told: str, name: str) -> str:
    """With a proposal, where what is left is a name."""
    try:
        return told + " " + _("Did you mean %(name)s?") % {"name": domain_name(name)}
    except ValidationError:
        return told + " " + _("Enter only the domain name, such as example.org.")
