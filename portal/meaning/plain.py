"""HTML as plain text, to judge a mail by: every letter that is in it, and a mark on those that its sender hid from the reader.

Who hides text writes it for a filter, or for a machine that reads along: a person should see that it is there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import islice

import nh3

# What is hidden stands between these two in the text; a mail's own are taken out (`unmarked`).
HIDDEN, SHOWN = "\x0e", "\x0f"

_BREAKS = "address blockquote br caption center dd div dl dt fieldset figure h1 h2 h3 h4 h5 h6 hr li ol p pre table tr ul"
BREAKS = frozenset(_BREAKS.split())
EMPTY = ("br", "hr", "img", "wbr", "col", "area")
_KEPT = """
    a abbr address article b bdi bdo big blockquote body br caption center cite code col dd del details dfn div dl dt em fieldset
    figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd label li main mark ol p pre q s samp section small span strike
    strong sub summary sup table tbody td tfoot th thead tr tt u ul var
"""
# The HTML standard opens such a tag again in every paragraph behind it: 100 KB become gigabytes. Under another name it does not.
_AGAIN = "a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
FORMATTING = re.compile(rf"<(/?)({_AGAIN})(?=[\s/>])", re.IGNORECASE)
RENAMED = re.compile(rf"<(/?)x-({_AGAIN})(?=[\s>])")
KEPT = {*_KEPT.split(), *(f"x-{tag}" for tag in _AGAIN.split("|"))}
MARKS = {"style", "hidden", "class", "id", "color", "bgcolor", "background", "width", "height"}
MOST_RULES, LARGEST_SHEET = 500, 60_000
Rules = dict[str, dict[str, str]]  # what is declared, by selector
_READ = """
    background background-color background-image clip clip-path color display filter font font-size height left top right bottom
    margin-left margin-right margin-top max-height max-width mso-hide opacity overflow overflow-y position text-indent transform
    visibility width
"""
PROPERTIES = frozenset(_READ.split())

_NAMED = {
    "white": (255, 255, 255), "black": (0, 0, 0), "silver": (192, 192, 192), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "red": (255, 0, 0), "maroon": (128, 0, 0), "yellow": (255, 255, 0), "olive": (128, 128, 0), "lime": (0, 255, 0),
    "green": (0, 128, 0), "aqua": (0, 255, 255), "cyan": (0, 255, 255), "teal": (0, 128, 128), "blue": (0, 0, 255),
    "navy": (0, 0, 128), "fuchsia": (255, 0, 255), "magenta": (255, 0, 255), "purple": (128, 0, 128), "orange": (255, 165, 0),
    "snow": (255, 250, 250), "ivory": (255, 255, 240), "whitesmoke": (245, 245, 245), "ghostwhite": (248, 248, 255),
    "floralwhite": (255, 250, 240), "lightgray": (211, 211, 211), "lightgrey": (211, 211, 211), "darkgray": (169, 169, 169),
}  # fmt: skip
Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
ALIKE = 8  # of 255: colours that differ less nobody tells apart
TINY = 2.0  # pixels
FAR = 400.0  # pixels to the side, where nobody looks
UNITS = {
    "px": 1.0,
    "pt": 4 / 3,
    "em": 16.0,
    "rem": 16.0,
    "ex": 8.0,
    "%": 0.16,
    "vw": 10.0,
    "vh": 8.0,
    "in": 96.0,
    "cm": 38.0,
    "mm": 3.8,
    "pc": 16.0,
    "": 1.0,
}


@dataclass(frozen=True)
class Look:
    """How the text at a place looks; what is `gone` stays so for everything inside."""

    gone: bool = False
    invisible: bool = False
    size: float = 16
    colour: Colour | None = None  # None: one that is not known, or the reader's own
    ground: Colour | None = WHITE

    @property
    def hidden(self) -> bool:
        alike = self.colour and self.ground and max(abs(a - b) for a, b in zip(self.colour, self.ground, strict=True)) < ALIKE
        return self.gone or self.invisible or self.size < TINY or bool(alike)


def renamed(html: str) -> str:
    """HTML whose formatting tags have names that mean nothing to a parser."""
    return FORMATTING.sub(r"<\1x-\2", html)


def unmarked(text: str) -> str:
    """Text of a mail that holds none of our marks."""
    return text.translate({ord(HIDDEN): None, ord(SHOWN): None})


def runs(text: str) -> list[tuple[str, bool]]:
    """A text as pieces, each with whether it is hidden."""
    return [(piece, place % 2 == 1) for place, piece in enumerate(re.split(f"[{HIDDEN}{SHOWN}]", text)) if piece]


def text_of(html: str, gone_with_content: set[str]) -> str:
    """The text of HTML with line breaks where a reader sees them, and marks around what no reader sees."""
    rules = _rules(html)
    # What the sanitiser gives is well-formed: each end belongs to a beginning.
    clean = nh3.clean(
        renamed(html),
        tags=KEPT,
        clean_content_tags=gone_with_content,
        attributes={"*": MARKS},
        link_rel=None,
    )
    reader = _Reader(rules)
    reader.feed(clean)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self, rules: Rules) -> None:
        super().__init__(convert_charrefs=True)
        self.rules = rules
        self.open: list[tuple[str, Look]] = [("", Look())]
        self.found: list[str] = []
        self.marked = False  # a mark is open
        self.broken = True  # nothing stands in this line yet

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._put("\n")
        elif tag in BREAKS:
            self._break()
        if tag in EMPTY:
            return
        look = self.open[-1][1]
        self.open.append((tag, _look(look, tag, dict(attrs), self.rules) if attrs or self.rules else look))

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY:
            return
        if len(self.open) > 1:
            self.open.pop()
        if tag in BREAKS:
            self._break()
        elif tag in ("td", "th"):
            self._put(" ")

    def handle_data(self, data: str) -> None:
        data = unmarked(data)
        look = self.open[-1][1]
        if look.hidden is not self.marked and data.strip():
            self.found.append(HIDDEN if look.hidden else SHOWN)
            self.marked = look.hidden
        self._put(data if any(tag == "pre" for tag, _look in self.open[-3:]) else re.sub(r"[ \t\r\n\f]+", " ", data))

    def _put(self, text: str) -> None:
        self.found.append(text)
        self.broken = self.broken and not text.strip()

    def _break(self) -> None:
        if not self.broken:
            self.found.append("\n")
            self.broken = True

    def text(self) -> str:
        whole = "".join(self.found) + (SHOWN if self.marked else "")
        *hidden, last = whole.split(SHOWN)
        kept = (piece.rstrip(" \n") for piece in hidden)  # the mark comes before the blanks at its end
        whole = "".join(f"{text}{SHOWN}{piece[len(text) :]}" for text, piece in zip(kept, hidden, strict=True)) + last
        lines = (re.sub(r"[ \t\xa0]+", " ", line).strip(" ") for line in whole.split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _rules(html: str) -> Rules:
    """What a mail's own style sheets declare, by simple selector (`.note`, `#x`, `p`), without what is for some screens only."""
    found: Rules = {}
    lower, end = html.lower(), 0
    for _sheet in range(20):
        start = lower.find(">", lower.find("<style", end)) + 1
        end = lower.find("</style", start)
        if lower.find("<style", max(0, start - 300), start) < 0 or end < 0:
            break
        sheet = lower[start : min(end, start + LARGEST_SHEET)]
        sheet = re.sub(r"/\*.*?(?:\*/|\Z)|<!--|-->", "", sheet, flags=re.DOTALL)  # a comment without an end goes to the end
        for selectors, said in islice(_blocks(sheet), MOST_RULES):
            for selector in selectors[-500:].split(",")[:20]:
                if re.fullmatch(r"\s*[.#]?[\w-]{1,60}\s*", selector):
                    found.setdefault(selector.strip(), {}).update(_declared(said))
    return found


def _blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """The rules of a style sheet, as selectors and declarations; an @media goes with all that is in it."""
    depth, selectors, text = 0, "", ""
    for piece in re.split(r"([{}])", sheet):
        if piece == "{":
            depth += 1
            selectors = text.rpartition(";")[2].strip() if depth == 1 else selectors
        elif piece == "}":
            if depth == 1 and not selectors.startswith("@"):
                yield selectors, text
            depth = max(0, depth - 1)
        else:
            text = piece


def _declared(said: str) -> dict[str, str]:
    """What is declared of how text looks. Other properties are left out: many elements may have many rules with many of them."""
    found = {}
    for one in said[:5000].split(";"):
        name, _colon, value = one.partition(":")
        if (name := name.strip().lower()) in PROPERTIES:
            found[name] = value.partition("!")[0].strip().lower()
    return found


def _look(look: Look, tag: str, attrs: dict[str, str | None], rules: Rules) -> Look:
    style: dict[str, str] = {}
    if rules:
        classes = (f".{one}" for one in (attrs.get("class") or "").lower().split()[:20])
        for selector in (tag, *classes, "#" + (attrs.get("id") or "").lower()):
            style |= rules.get(selector, {})
    style |= _declared(attrs.get("style") or "")
    if "hidden" in attrs:
        style.setdefault("display", "none")
    look = replace(look, gone=look.gone or _gone(style))
    if "visibility" in style:
        look = replace(look, invisible=style["visibility"] in ("hidden", "collapse"))
    if size := style.get("font-size") or _after_slash(style.get("font", "")):
        look = replace(look, size=_size(size, look.size))
    if colour := style.get("color") or attrs.get("color"):
        look = replace(look, gone=look.gone or _clear(colour), colour=_colour(colour))
    ground = style.get("background-color") or style.get("background") or attrs.get("bgcolor") or ""
    if "url" in style.get("background", "") or style.get("background-image", "none") != "none" or attrs.get("background"):
        look = replace(look, ground=None)
    elif ground and not _clear(ground):
        look = replace(look, ground=_colour(ground))
    return look


def _gone(style: dict[str, str]) -> bool:
    cut = style.get("overflow", "").startswith(("hidden", "clip")) or style.get("overflow-y") == "hidden"
    sides = ("left", "top", "right", "bottom") if style.get("position") in ("absolute", "fixed", "relative") else ()
    return (
        style.get("display") == "none"
        or style.get("mso-hide") == "all"
        or _pixels(style.get("opacity", "1")) < 0.1
        or "opacity(0" in style.get("filter", "")
        or _pixels(style.get("max-height", "99")) < TINY
        or _pixels(style.get("max-width", "99")) < TINY
        or (cut and (_pixels(style.get("height", "99")) < TINY or _pixels(style.get("width", "99")) < TINY))
        or any(abs(_pixels(style.get(side, "0"))) >= FAR for side in sides)
        or any(_pixels(style.get(name, "0")) <= -FAR for name in ("text-indent", "margin-left", "margin-top", "margin-right"))
        or bool(
            re.search(
                r"rect\((0(px)?[ ,]*){4}\)|rect\(1px[, ]+1px[, ]+1px|inset\((50|100)%|circle\(0",
                style.get("clip", "") + style.get("clip-path", ""),
            )
        )
        or bool(re.search(r"scale[xy3d]*\(0|translate[xy3d]*\(-?\d{4}", style.get("transform", "")))
    )


def _pixels(value: str) -> float:
    """A length in pixels, roughly; what is none, is a long one."""
    found = re.match(r"([+-]?\d{0,9}(?:\.\d{1,9})?)(px|pt|r?em|ex|%|vw|vh|in|cm|mm|pc)?\s*$", value)
    return float(found[1]) * UNITS[found[2] or ""] if found and found[1].strip("+-.") else 99.0


def _size(value: str, around: float) -> float:
    if value.endswith("%") or (value.endswith("em") and not value.endswith("rem")):
        return _pixels(value) / 16 * around
    return _pixels(value)  # a word for a size (small, larger) is one that can be read


def _after_slash(font: str) -> str:
    """The size in the short form `font: bold 0/1 Arial`."""
    found = re.search(r"(?:^|\s)([\d.]{1,9}(?:px|pt|em|rem|%)?)(?:\s*/|\s|$)", font)
    return found[1] if found and not re.fullmatch(r"[1-9]00", found[1]) else ""


def _clear(value: str) -> bool:
    """A colour that lets everything through."""
    if re.fullmatch(r"transparent|#[0-9a-f]{3}0|#[0-9a-f]{6}00", value):
        return True
    opaque = re.match(r"(?:rgb|hsl)a?\((?:[^,/)]{1,20},){3}([^)]{1,20})\)|(?:rgb|hsl)a?\([^/)]{1,60}/([^)]{1,20})\)", value)
    return opaque is not None and not (opaque[1] or opaque[2]).strip(" 0.%")


def _colour(value: str) -> Colour | None:
    value = value.strip().lower().split(" ")[0] if not value.startswith("rgb") else value
    if found := re.fullmatch(r"#?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", value):
        digits = found[1] if len(found[1]) > 4 else "".join(2 * digit for digit in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    if found := re.match(r"rgba?\(\s*(\d{1,3})(%?)\s*[, ]\s*(\d{1,3})%?\s*[, ]\s*(\d{1,3})%?", value):
        scale = 2.55 if found[2] else 1
        return round(int(found[1]) * scale), round(int(found[3]) * scale), round(int(found[4]) * scale)
    return _NAMED.get(value)
