"""What somebody means who types or pastes something into the search box. Pure functions: nothing here asks the gateway.

The gateway finds users by their address alone, and domains by their name or external id: one filter a request, with `*` in
front, behind or both (conventions.md, Filtering). So a name from a ticket is turned into the addresses it is likely to have.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from django.core.exceptions import ValidationError

from portal.meaning.names import host_name

LONGEST = 200
MOST_ADDRESSES, MOST_WORDS, MOST_TRIES = 5, 6, 9  # each address, and each try, costs a call
AT = re.compile(r"\s*[\[({<]\s*(?:at|ät)\s*[\])}>]\s*", re.IGNORECASE)  # "anna (at) example.org"
DOT = re.compile(r"\s*[\[({<]\s*(?:dot|punkt|point|punto)\s*[\])}>]\s*", re.IGNORECASE)
SPOKEN_AT = re.compile(
    r"(?<=\S)\s+(?:at|ät)\s+(?=[\w\-]+(?:\.|\s+(?:dot|punkt)\s+)\w)", re.IGNORECASE
)  # "anna at example dot org"
SPOKEN_DOT = re.compile(r"\s+(?:dot|punkt)\s+", re.IGNORECASE)
# What stands around an address in a ticket is no part of it, though a few of these characters could be (RFC 5322, 3.2.3).
ADDRESS = re.compile(r"""[^\s@<>()\[\]{}|\\,;:"?=&/]+@[^\W_](?:[\w.\-]*\w)?""")
QUOTED = re.compile(r'"([^"@\s]+)"@')
MAILTO = re.compile(r"mailto:[^\s<>\"]*", re.IGNORECASE)
URL = re.compile(r"(?:[a-z][a-z0-9+.\-]*:)?//([^\s/?#]+)", re.IGNORECASE)
ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")  # "(mobil)"
LABEL = re.compile(r"^[\w.\- ]{1,20}:\s+(?=\S)")  # "Name: "
EDGES = " \"'<>()[]{}|,;:.!?·•–—-"
APOSTROPHES = dict.fromkeys(map(ord, "`´‘’‚‛"), "'")
QUOTES = dict.fromkeys(map(ord, "“”„‟«»‹›"), '"') | {ord("。"): "."}
# How addresses spell letters: the long way, of German and Scandinavian names, or the bare letter.
ALWAYS = {"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "d", "đ": "d", "ł": "l", "ı": "i", "'": ""}
LONG = str.maketrans(ALWAYS | {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
BARE = str.maketrans(ALWAYS | {"ø": "o"})
TITLES = {
    *("herr", "herrn", "frau", "hr", "fr", "dr", "prof", "dipl", "ing", "med", "lic", "mag", "mr", "mrs", "ms", "miss"),
    *("monsieur", "madame", "mme", "mlle", "m", "señor", "señora", "sr", "sra", "fru"),
}
WORD = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
ONE_WORD = re.compile(r"[^\W\d]+(?:['.,;/\-][^\W\d]+)*")  # a name as addresses have it, "anna_keller"
NO_NAME = re.compile(r"[^\w\s'.,:;/\-]|_")  # what names do not have


@dataclass(frozen=True)
class Term:
    """What was typed, read.

    `text` is it without what stands around; `addresses` are those in it, and `domain` the name it is or that of its first
    address, both as the gateway has them; `words` are those of a name, or of the one beside or in an address, given name first.
    """

    text: str
    addresses: tuple[str, ...] = ()
    domain: str = ""
    words: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return self.addresses[0] if self.addresses else ""

    @property
    def users(self) -> str:
        """The address, or the part of one, that is looked for first."""
        if self.address:
            return self.address
        if self.words:
            return ".".join(spelt(word) for word in _ends(self.words))
        return self.domain if self.domain and self.text.rpartition(".")[2].isascii() else spelt(self.text)

    @property
    def domains(self) -> str:
        """The domain, or the part of its name, that is looked for first."""
        return self.domain or _ascii("-".join(self.words) or self.text).lower()

    @property
    def pieces(self) -> list[str]:
        """The words of a name, taken apart where addresses would: at hyphens, dots and apostrophes."""
        return [piece for piece in self._pieces() if len(piece) > 1]

    @property
    def initials(self) -> list[str]:
        """The single letters among them: too little to search for, but they tell people of one name apart."""
        return [piece for piece in self._pieces() if len(piece) == 1]

    def _pieces(self) -> dict[str, None]:
        said = self.words or ((self.text,) if ONE_WORD.fullmatch(self.text) else ())
        return dict.fromkeys(piece for word in said if not re.search(r"\d", word) for piece in re.findall(r"[^\W_]+", word))


def read(typed: str) -> Term:
    """A term from what was typed or pasted; its text is "" where nothing is left to be searched for."""
    text = _tidy(typed)
    addresses = tuple(dict.fromkeys(_addresses(text)))[:MOST_ADDRESSES]
    if addresses:
        local, _at, domain = addresses[0].rpartition("@")
        before = re.split(r"@|mailto:", text, maxsplit=1, flags=re.IGNORECASE)[0]
        words = _words(before.rpartition("<")[0])  # "Anna Keller <anna.keller@example.org>"
        return Term(text, addresses, domain, words or _words(re.sub(r"[._]|\+.*", " ", local)))
    text = LABEL.sub("", ASIDE.sub(" ", text).strip(EDGES)) or text.strip(EDGES) or text
    if found := URL.search(text):
        text = found[1].rpartition("@")[2]
    elif "/" in text and " " not in text and "." in text.partition("/")[0]:  # nordwind.example/kontakt
        text = text.partition("/")[0]
    text = re.sub(r"^[\w.\-]+\\(?=\S)", "", text)  # NORDWIND\anna.keller
    text = re.sub(r"^(\S+\.\S+):\d{1,5}$", r"\1", text)  # mail.example.org:25
    name = text.removeprefix("@").removeprefix("www.")
    if domain := _domain(name):
        return Term(name.strip("."), domain=domain)
    text = " ".join(text.split())
    return Term(text, words=_words(text) if " " in text and not NO_NAME.search(text) else ())


def user_patterns(term: Term) -> list[str]:
    """Filters on addresses that are worth a try where the first one found nobody, the likeliest first."""
    return [one for one in dict.fromkeys(_user_patterns(term)) if one != f"*{term.users}*"][:MOST_TRIES]


def _user_patterns(term: Term) -> Iterator[str]:
    if term.address:
        local, plus, _tag = term.address.rpartition("@")[0].partition("+")
        if plus:
            yield f"{local}@{term.domain}"
        yield from (f"{one}@*" for one in (local, spelt(local), spelt(local, bare=True)))
    pieces = term.pieces
    like_a_domain = bool(term.domain and not term.address)  # as "anna.keller" is
    if like_a_domain and len(pieces) != 2:
        return
    if len(pieces) < 2:
        name = "".join(pieces) or ("" if term.address or len(term.text) < 3 else term.text)
        yield from (f"*{one}*" for one in dict.fromkeys((*spellings(name), name.lower())) if one)
        return
    one, other = (spelt(word) for word in _ends(pieces))
    longest = pieces[-1:] if like_a_domain else sorted(pieces, key=len, reverse=True)[:2]
    # A star inside a pattern is not documented: where it means nothing, the others find the person all the same.
    if not like_a_domain:
        yield from (f"*{one}*{other}*", f"*{other}*{one}*")
    yield from (f"*{one}.{other}*", f"*{other}.{one}*", *(f"*{spelt(word)}*" for word in longest))
    one, other = (spelt(word, bare=True) for word in _ends(pieces))
    yield from (f"*{one}.{other}*", *(f"*{spelling}*" for word in longest for spelling in spellings(word)))


def parents(term: Term) -> list[str]:
    """The domains that a host may belong to: of mail.example.org, example.org."""
    labels = term.domain.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels) - 1)][:2]


def ids(term: Term) -> list[str]:
    """What may be an external id: all of it, or the words with digits in it."""
    words = re.split(r"[\s,;:]+", term.text)
    return list(dict.fromkeys((term.text, *(word for word in words if re.search(r"\d", word)))))[:3]


def matched(term: Term, *said: str | None) -> float:
    """How much of a name the texts about one user hold, from 0 to 1; an initial is half a word."""
    words = [alike(word) for word in term.pieces]
    known = {alike(word) for text in said for word in re.findall(r"[^\W_]+", text or "")}

    def weight(word: str) -> float:
        if any(word in one for one in known):
            return 1.0
        initial = word[:1]
        return 0.5 if known & {initial, *(initial + other for other in words), *(other + initial for other in words)} else 0.0

    fits = all(any(one.startswith(alike(initial)) for one in known) for initial in term.initials)
    return sum(map(weight, words)) / len(words) * (1.0 if fits else 0.8) if words else 0.0


def spelt(name: str, *, bare: bool = False) -> str:
    """A name as addresses spell it: "Jürg Weiß" is "juerg weiss", or "jurg weiss" with bare letters."""
    text = unicodedata.normalize("NFC", name.casefold()).translate(BARE if bare else LONG)
    return "".join(letter if (letter := unicodedata.normalize("NFD", char)[0]).isascii() else char for char in text)


def spellings(word: str) -> list[str]:
    """A word in the ways that addresses may spell it: of "Muller" also mueller, all of its letters long or the first one."""
    found = [spelt(word), spelt(word, bare=True), alike(word)]
    if word.isascii():
        found += (re.sub("[aou](?![aeou])", r"\g<0>e", word.lower(), count=most) for most in (0, 1))
    return list(dict.fromkeys(found))


def alike(text: str) -> str:
    """The same for all spellings of a name: for "Müller", "Mueller" and "Muller"."""
    return re.sub(r"([aou])e|a(?=a)", r"\1", spelt(text, bare=True))


def _tidy(typed: str) -> str:
    """One line of plain text: without `*`, which is the gateway's wildcard, and without what nobody sees."""
    text = unicodedata.normalize("NFKC", typed.replace("*", "").translate(APOSTROPHES)).translate(QUOTES)
    kinds = ((char, unicodedata.category(char)) for char in text)
    plain = {"Cc": " ", "Zl": " ", "Zp": " ", "Zs": " ", "Pd": "-"}
    text = "".join(plain.get(kind, char) for char, kind in kinds if kind not in ("Cf", "Cs", "Cn"))
    return " ".join(text.split())[:LONGEST].strip()


def _addresses(text: str) -> Iterator[str]:
    """The addresses in a text, as the gateway has them."""
    for link in MAILTO.findall(text):
        text = text.replace(link, " ", 1)
        to, _mark, query = link.partition(":")[2].partition("?")
        asked = parse_qs(query)
        for one in (unquote(to), *asked.get("to", ()), *asked.get("cc", ())):
            yield from _addresses(MAILTO.sub("", one))
    if "@" not in text:
        text = DOT.sub(".", AT.sub("@", text.replace("%40", "@")))
        text = SPOKEN_DOT.sub(".", SPOKEN_AT.sub("@", text)) if SPOKEN_AT.search(text) else text
    text = QUOTED.sub(r"\1@", text)
    for one in ADDRESS.findall(text) or ADDRESS.findall(re.sub(r"\s*@\s*", "@", text)):
        local, _at, name = one.rpartition("@")
        if local := local.strip("'.-"):
            yield f"{local}@{_ascii(name)}".lower()


def _domain(text: str) -> str:
    """A whole name of a domain or a host as the gateway has it, "" for what is none."""
    if re.search(r"[\s@]", text) or "." not in text:
        return ""
    name = _ascii(text.strip(".")).lower()
    return name if re.fullmatch(r"[a-z0-9_\-]+(?:\.[a-z0-9_\-]+)*\.(?:xn--[a-z0-9\-]+|[a-z]{2,})", name) else ""


def _ascii(name: str) -> str:
    """A name, or the part of one, as DNS has it; as it was typed where it is none."""
    try:
        return name if name.isascii() else host_name(name)
    except ValidationError:
        return name


def _words(text: str) -> tuple[str, ...]:
    """The words of a name; "Keller, Anna" is Anna Keller, "Anna Keller, Nordwind" too, and "Herr Dr. Keller" is Keller."""
    family, _comma, given = (_untitled(part) for part in ASIDE.sub(" ", text).partition(","))
    one_name = sum(word[0].isupper() for word in family) < 2  # "von der Mühle, Hans"
    return tuple(given + family if given and one_name else family or given)[:MOST_WORDS]


def _untitled(text: str) -> list[str]:
    found = WORD.findall(text)
    return [word for word in found if word.casefold() not in TITLES] or found


def _ends(words: Sequence[str]) -> list[str]:
    """The first and the last word, which are those that addresses have."""
    return list(dict.fromkeys((words[0], words[-1])))
