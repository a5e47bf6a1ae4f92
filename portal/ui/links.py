"""Where the links of a message go, and which of them lie about it."""

import re
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

MOST_LINKS = 200


@dataclass(frozen=True)
class Link:
    """Where a link says it goes and where it goes. `odd` when the two are different hosts, or the host imitates another."""

    shown: str
    target: str
    odd: bool


def judged(pairs: list[tuple[str, str]]) -> list[Link]:
    """The links of an HTML body, given as (target, shown text); each pair once, 200 at most."""
    found: list[Link] = []
    seen: set[tuple[str, str]] = set()
    for target, shown in pairs:
        if (target, shown) not in seen and target.lower().startswith(("http:", "https:", "mailto:")):
            seen.add((target, shown))
            said = re.search(r"((?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,}))\b", shown)
            lies = bool(said) and not target.lower().startswith("mailto:") and not _same_host(said[1], _host(target))  # type: ignore[index]
            found.append(Link(shown, target, lies or _imitates(target)))
    return found[:MOST_LINKS]


def in_text(text: str) -> list[Link]:
    """The addresses that a plain text spells out."""
    found = islice(re.finditer(r"https?://[^\s<>\"]{1,2000}", text), MOST_LINKS)
    return [Link(link[0], link[0], _imitates(link[0])) for link in found]


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _same_host(one: str, other: str) -> bool:
    one, other = (host.lower().removeprefix("www.") for host in (one, other))
    return one == other or other.endswith("." + one)


def _imitates(url: str) -> bool:
    """A host in punycode or other letters can look like another; so does a user name before the host."""
    host = _host(url)
    return "xn--" in host or not host.isascii() or "@" in url.partition("//")[2].partition("/")[0]
