"""Where the links of a message go, and which of them lie about it.

A browser forgives much in an address: `http:\\\\evil.test\\.bank.com`, `http:evil.test`, a line break in the middle. So each is
read as the URL standard has it (url.spec.whatwg.org), and one that needs forgiving before its host is known is odd by itself.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import parse_qsl, unquote

from portal.meaning.letters import UNSEEN
from portal.meaning.names import canonical, organisation, public_suffix

MOST_LINKS = 200
CONTROLS = re.compile(r"[\t\r\n]")  # browsers take these out of an address, wherever they stand
ENDS = "".join(map(chr, range(33)))  # and all of these at its ends
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
PLAIN = re.compile(r"https?://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?=[/?#]|\Z)", re.IGNORECASE | re.ASCII)
TURNED = re.compile(r"[\u202d\u202e]")  # the letters behind them are read backwards
# The first two are full stops in addresses, too; the others look like one (confusables.txt of Unicode). More become one by NFKC.
FULL_STOPS = dict.fromkeys(map(ord, "\u3002\uff61\u06d4\u0701\u0702\ua4f8\ua60e"), ".")
# A text names a host by an address of the web or of a person, or by the host alone, with what may follow it.
SAID = re.compile(
    r"(?P<scheme>https?:[/\\]*)(?P<url>[^\s<>\"]+)"
    r"|(?<![\w.-])(?P<at>[^\s@<>()\[\],;:\"]{0,64}@)?(?P<host>(?:[\w-]{1,63}\.){1,30}(?:xn--[\w-]{1,59}|[^\W\d_]{2,63}))(?![\w-])(?P<more>[/:?#]\w)?",
    re.IGNORECASE,
)
# These are countries, and endings that are sold, and yet `x.md` in a text is a file far sooner than a host.
FILES = frozenset(("cab", "java", "md", "mov", "nr", "ps", "py", "rs", "sh", "so", "zip"))
PROGRAM = re.compile(r"(?:.*_.*|backup|build|check|index|install|main|run|script|setup|test)\.pl", re.IGNORECASE)
PRODUCTS = frozenset(("ado.net", "asp.net", "ml.net", "vb.net"))
ANY_CASE = frozenset(("com", "net", "org"))


@dataclass(frozen=True)
class Link:
    """Where a link says it goes and where it goes. `odd` when the two are different hosts, or the host imitates another."""

    shown: str
    target: str
    odd: bool


def judged(pairs: list[tuple[str, str]]) -> list[Link]:
    """The links of an HTML body, given as (target, shown text); each pair once, 200 at most."""
    found: list[Link] = []
    for target, shown in dict.fromkeys(pairs):
        if (address := _address(target)) and len(found) < MOST_LINKS:
            found.append(Link(shown, address, _lies(shown, address) or _imitates(address)))
    return found


def in_text(text: str) -> list[Link]:
    """The addresses that a plain text spells out."""
    found = (_without_end(link[0]) for link in re.finditer(r"https?:[/\\]{1,9}[^\s<>\"]{1,2000}", text, re.IGNORECASE))
    return [Link(link, link, _imitates(_address(link))) for link in islice(found, MOST_LINKS)]


def _address(target: str) -> str:
    """A target as a browser or a mail program takes it; "" for one that leads nowhere outside of the message."""
    address = CONTROLS.sub("", target.strip(ENDS))
    if address.lower().startswith(("http:", "https:", "mailto:")):
        # What a browser has to take out is left in, where it hides the host.
        return target.strip(ENDS)
    if address.startswith(("//", "\\\\")):
        return "https:" + address
    host, more = re.match(r"([\w.-]*)([/:]?)", address).groups()  # type: ignore[union-attr]
    if SCHEME.match(address) and not re.match(r"[^/]*:\d", address):
        return ""
    return "http://" + address if _is_host(host, alone=False, more=more) else ""


def _lies(shown: str, address: str) -> bool:
    """Does the text name a host, or an address, that is not the one behind it?"""
    hosts = _recipients(address) if address.lower().startswith("mailto:") else [_host(address)]
    if TURNED.search(shown):  # whatever it says, it is to be read backwards
        return True
    return any(not _same_host(said, host) for said in _said(shown) for host in hosts or [""])


def _said(shown: str) -> Iterator[str]:
    """The hosts that a text names, as a person reads it. File names, names of people and abbreviations are none."""
    text = unicodedata.normalize("NFKC", UNSEEN.sub("", shown)).translate(FULL_STOPS)
    for found in SAID.finditer(text):
        if found["scheme"]:
            yield _host(f"http://{_without_end(found['url'])}")
        elif found["at"] or _is_host(found["host"], alone=found[0] == text.strip(" <>()[].,:;!"), more=found["more"] or ""):
            yield canonical(found["host"])


def _is_host(name: str, *, alone: bool, more: str = "") -> bool:
    """Would a reader take this for a host? It ends as hosts do, and not as a file, and it is written as one.

    `more` is what follows (a path, a port). Rechnung.pdf, z.B., Hr.Meier, Node.js and v2.10 end in nothing that is a host's;
    "bezahlt.Am", "Co.KG" do, but nobody writes a host like this within a sentence.
    """
    ending = name.rpartition(".")[2]
    if "." not in name or not public_suffix(name) or not all(map(_label, name.split("."))):
        return False
    if more or name.lower().startswith("www."):
        return True
    if ending.lower() in FILES and (name.count(".") == 1 or re.search(r"\b\d+\.", name)):
        return False
    if name.lower() in PRODUCTS or PROGRAM.fullmatch(name):
        return False
    return alone or ending == ending.lower() or name.isupper() or ending.lower() in ANY_CASE


def _label(label: str) -> bool:
    return bool(label) and "_" not in label and not label.startswith("-") and not label.endswith("-")


def _recipients(address: str) -> list[str]:
    """The domains that a mailto address writes to, in its copies too."""
    path, _mark, query = CONTROLS.sub("", address).partition(":")[2].partition("?")
    people = [path, *(value for name, value in parse_qsl(query) if name.lower() in ("to", "cc", "bcc"))]
    found = (unquote(one).strip(" <>").rpartition("@")[2] for many in people for one in re.split("[,;]", many))
    return [canonical(domain) for domain in found if domain]


def _host(address: str) -> str:
    """The host that a browser goes to, in canonical form."""
    rest = re.sub(r"\A[a-z]+:[/\\]*", "", CONTROLS.sub("", address), flags=re.IGNORECASE)
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    host = authority.partition("]")[0] + "]" if authority.startswith("[") else authority.partition(":")[0]
    return canonical(unquote(host))


def _same_host(said: str, host: str) -> bool:
    """Is it this host, or one below it? Below a public suffix everybody can have one."""
    said, host = (name.removeprefix("www.") for name in (said, host))
    return said == host or (bool(organisation(said)) and host.endswith("." + said))


def _imitates(address: str) -> bool:
    """A host in punycode or other letters can look like another; so does one that a browser has to find first."""
    if address.lower().startswith("mailto:"):
        return False
    return not PLAIN.match(address) or "xn--" in _host(address)


def _without_end(url: str) -> str:
    """Without the punctuation of the sentence around it."""
    url = _until_last(r"[\w/\\#=&%+~$@*)\]-]", url)
    return url if "(" in url or "[" in url else _until_last(r"[\w/\\#=&%+~$@*-]", url)


def _until_last(sign: str, text: str) -> str:
    """A text up to the last such sign. Looked for from the end: to take off what is behind it costs the square of its length."""
    found = re.match(f".*{sign}", text, re.DOTALL)
    return found[0] if found else ""
