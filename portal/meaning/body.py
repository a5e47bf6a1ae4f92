"""A mail's body made safe to look at. The mail is the enemy: every byte of it was chosen by somebody who may wish us ill.

Two walls, each enough alone: the sanitiser lets through a list of harmless tags, and the answer it is served in forbids
scripts, forms and everything remote (`CSP` and `SANDBOX`, for an iframe that has no access to our pages).
"""

import html as htmllib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from threading import Lock
from urllib.parse import unquote

import nh3

from portal.meaning import message
from portal.meaning.invitations import Invitation
from portal.meaning.links import MOST_LINKS, Link, in_text, judged
from portal.meaning.message import LARGEST_HTML, LOOKS_LIKE_HTML, Attached, Piece
from portal.meaning.plain import RENAMED, renamed, runs, text_of, unmarked

# A mail can be made to burst a parser: these limits keep every one at a few seconds and some hundred megabytes.
LARGEST_SOURCE = 32 * 1024 * 1024  # bytes of a mail that we still take apart
LARGE_SOURCE = 1024 * 1024  # bytes; larger ones are taken apart one at a time in a process
PATIENCE = 5.0  # seconds that one waits for another
LARGEST_IMAGES = 2 * 1024 * 1024  # bytes of inline images that go along
MOST_TAGS = 10_000  # opening, closing and comments: tags within tags cost the square of their number
MOST_ESCAPED = 50_000  # & and hard blanks: in one text they cost the square of their number
LARGEST_TEXT = 200_000  # characters in the page
LARGEST_SHOWN = 4 * LARGEST_HTML  # characters of all attributes as they are sent
LONGEST_TAG = 20_000  # characters: a tag of attributes alone keeps the sanitiser busy

SANDBOX = "allow-popups allow-popups-to-escape-sandbox"

_TAGS = """
    a abbr address b bdi bdo big blockquote br caption center cite code col colgroup dd del details div dl dt em
    figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub
    summary sup table tbody td tfoot th thead tr tt u ul var wbr
"""
TAGS = set(_TAGS.split())
_GONE_WITH_CONTENT = """
    script style title head template noscript svg math iframe object embed applet audio video canvas select textarea
    button form xmp noembed noframes frameset
"""
GONE_WITH_CONTENT = set(_GONE_WITH_CONTENT.split())
_LAYOUT = """
    align valign width height bgcolor border cellpadding cellspacing dir lang title style
"""
LAYOUT = set(_LAYOUT.split())
ATTRIBUTES = {
    "*": LAYOUT,
    "x-a": {"href"},
    "img": {"src", "alt"},
    "x-font": {"color", "face", "size"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start", "type"},
    "col": {"span"},
}
_STYLES = """
    background-color border border-bottom border-collapse border-color border-left border-radius border-right
    border-spacing border-style border-top border-width color display font font-family font-size font-style
    font-weight height letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right
    margin-top max-width min-width padding padding-bottom padding-left padding-right padding-top text-align
    text-decoration text-transform vertical-align white-space width word-break word-wrap
"""
STYLES = set(_STYLES.split())
RENAMED_TAGS = TAGS | {f"x-{tag}" for tag in TAGS if RENAMED.match(f"<x-{tag}>")}
ESCAPED = re.compile("[&\xa0]")
REMOTE_STYLE = re.compile(r"url\s*\(\s*[\"']?https?:", re.IGNORECASE)
_large = Lock()
# The style filter looks at names only: a harmless property can still carry a request or an escape in its value.
BAD_STYLE = re.compile(r"url|image|expression|import|src\s*\(|[\\@<>{}]", re.IGNORECASE)


@dataclass
class Body:
    """A mail taken apart: its text, its HTML as received (unsafe), its links and its inline images by Content-ID."""

    text: str = ""  # all of its texts; what is hidden in HTML stands between marks (portal/meaning/plain.py)
    html: str = ""  # the first of its HTML texts
    pieces: list[Piece] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # it was too long to show whole
    remote: bool = False  # it would load something from elsewhere
    busy: bool = False  # another large one is being taken apart: nothing was read of this one
    decoded: bool = False  # the gateway gave it as text: its bytes may have been others
    notes: list[str] = field(default_factory=list)  # what kind of message it is
    invitations: list[Invitation] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    said: Callable[[str], str] = lambda header: ""  # a header of the message as a person reads it

    @property
    def runs(self) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is hidden."""
        return runs(self.text)

    @property
    def odd(self) -> bool:
        return any(link.odd for link in self.links)


def csp(remote_images: bool) -> str:
    """The policy of a body's own answer: nothing runs, nothing is sent, nothing is fetched but images that were asked for."""
    images = "data: https:" if remote_images else "data:"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {images}; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors 'self'; sandbox {SANDBOX}"
    )


def take_apart(content: str | None, source: str | None, number: str = "") -> Body | None:
    """Text, HTML, links and inline images of a mail. `source` is the raw message, `content` the body where there is no source.

    `number` is that of a message attached to it; None where there is none of that number.
    """
    body = Body()
    if source and len(source) > LARGEST_SOURCE:
        body.cut = True
    elif source:
        large = len(source) > LARGE_SOURCE
        if large and not _large.acquire(timeout=PATIENCE):
            body.busy = True
            return body
        try:
            found = message.read(source, content or "", LARGEST_IMAGES, number)
        finally:
            if large:
                _large.release()
        if found is None:
            return None
        body.pieces, body.images, body.cut, body.decoded = found.pieces, found.images, found.cut, found.decoded
        body.notes, body.invitations, body.attached, body.files = found.notes, found.invitations, found.attached, found.files
        body.said = found.said
    if not body.pieces and content and not number:
        body.pieces = [Piece(html=content) if LOOKS_LIKE_HTML.search(content[:LARGEST_HTML]) else Piece(text=content)]
    _within_limits(body)
    designed = [piece for piece in body.pieces if piece.html]
    readers = [_read_links(piece.html) for piece in designed]
    body.html = designed[0].html if designed else ""
    body.remote = any(reader.remote for reader in readers) or any(REMOTE_STYLE.search(piece.html) for piece in designed)
    body.links = judged([pair for reader in readers for pair in reader.found])
    for piece in body.pieces:
        if not piece.html:
            body.links += in_text(piece.text)[: MOST_LINKS - len(body.links)]
    body.text = "\n\n".join(piece.text.strip("\r\n") if len(body.pieces) > 1 else piece.text for piece in body.pieces)
    if len(body.text) > LARGEST_TEXT:
        body.text, body.cut = body.text[:LARGEST_TEXT], True
    return body


def _within_limits(body: Body) -> None:
    """Cut what is too long, count what is costly over all texts together, and make plain text of HTML that has none beside it."""
    room, tags, escaped, letters = LARGEST_HTML, MOST_TAGS, MOST_ESCAPED, LARGEST_TEXT
    for piece in body.pieces:
        html = piece.html[:room]
        if len(html) < len(piece.html) or html.count("<") > tags:
            html, body.cut = "<".join(html.split("<", tags)[:tags]), True
        if len(ESCAPED.findall(html)) > escaped:
            html, body.cut = html[: [found.start() for found in ESCAPED.finditer(html)][escaped]], True
        if re.search(rf"<[^<>]{{{LONGEST_TAG}}}", html):
            html, body.cut = "", True
        room, tags, escaped = room - len(html), tags - html.count("<"), escaped - len(ESCAPED.findall(html))
        piece.html = html
        text = unmarked(piece.text[:letters])
        body.cut |= len(piece.text) > letters
        piece.text = text_of(html, GONE_WITH_CONTENT) if html and not text.strip() else text
        letters = max(0, letters - len(piece.text))


def safe_html(body: Body, remote_images: bool = False) -> str:
    """The HTML of a mail with nothing left that acts, asks or loads; remote images only where the reader wants them."""
    pictures, letters = LARGEST_IMAGES * 4 // 3, LARGEST_SHOWN  # of what is sent: one picture may be asked for a thousand times

    def gate(tag: str, name: str, value: str) -> str | None:
        nonlocal pictures, letters
        kept = allowed(tag, name, value)
        if tag == "img" and name == "src" and kept and kept.startswith("data:"):
            pictures -= len(kept)
            return kept if pictures >= 0 else None
        letters -= len(kept or "")
        return kept if letters >= 0 else None

    def allowed(tag: str, name: str, value: str) -> str | None:
        if name == "style":
            kept = [part for part in value.split(";") if part.strip() and not BAD_STYLE.search(part)]
            return ";".join(kept) or None
        if tag == "img" and name == "src":
            address = value.strip()
            if address.lower().startswith("cid:"):
                return body.images.get(address[4:]) or body.images.get(unquote(address[4:]))
            if re.match(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$", address):
                return address
            # Asked for, they come over TLS or not at all: the policy allows nothing else.
            remote = remote_images and address.lower().startswith(("http:", "https:"))
            return "https:" + address.partition(":")[2] if remote else None
        if name == "href":
            return value if value.strip().lower().startswith(("http:", "https:", "mailto:")) else None
        return value

    def clean(html: str) -> str:
        return RENAMED.sub(
            r"<\1\2",
            nh3.clean(
                renamed(html),
                tags=RENAMED_TAGS,
                clean_content_tags=GONE_WITH_CONTENT,
                attributes=ATTRIBUTES,
                attribute_filter=gate,
                filter_style_properties=STYLES,
                url_schemes={"http", "https", "mailto", "data", "cid"},
                url_relative="deny",
                link_rel=None,
                set_tag_attribute_values={
                    "x-a": {"target": "_blank", "rel": "noopener noreferrer nofollow"},
                    "img": {"referrerpolicy": "no-referrer"},
                },
            ),
        )

    pieces = [clean(piece.html) if piece.html else f"<pre>{htmllib.escape(piece.text)}</pre>" for piece in body.pieces]
    return "<hr>".join(pieces) if pieces else clean(body.html)


def document(body: Body, remote_images: bool = False) -> str:
    """The sanitised body as a document of its own, for the iframe; to be served with `csp`."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>-</title><style>'
        "html { color-scheme: light; background: #fff; color: #111; font: 15px/1.5 system-ui, sans-serif }"
        "body { margin: 12px; overflow-wrap: anywhere } img { max-width: 100%; height: auto } table { max-width: 100% }"
        "pre { white-space: pre-wrap; font: inherit }"
        f"</style></head><body>{safe_html(body, remote_images)}</body></html>"
    )


def to_text(html: str) -> str:
    """HTML as plain text: enough to judge a mail, with lines where they were and marks around what is hidden."""
    return text_of(html[:LARGEST_HTML], GONE_WITH_CONTENT)


def links(html: str) -> list[Link]:
    """Every link with what it shows and where it really goes, 200 at most."""
    return judged(_read_links(html).found)


def _read_links(html: str) -> "_Links":
    # What the sanitiser gives is well-formed; with raw HTML the standard library's parser can be kept busy for minutes.
    reader = _Links()
    reader.feed(
        nh3.clean(
            renamed(html),
            tags={"x-a", "area", "img"},
            clean_content_tags=GONE_WITH_CONTENT,
            attributes={"x-a": {"href"}, "area": {"href"}, "img": {"src", "alt"}},
            link_rel=None,
        )
    )
    reader.close()
    return reader


class _Links(HTMLParser):
    """Collects (href, text) of links, and whether an image comes from elsewhere."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self.href: str | None = None
        self.text: list[str] = []
        self.remote = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("x-a", "area"):
            self._end()
            self.href = (dict(attrs).get("href") or "").strip()
        elif tag == "img":
            self.remote = self.remote or (dict(attrs).get("src") or "").strip().lower().startswith(("http:", "https:"))
            if self.href is not None and len(self.text) < 200:
                self.text.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "x-a":
            self._end()

    def handle_data(self, data: str) -> None:
        if self.href is not None and len(self.text) < 200:
            self.text.append(data)

    def close(self) -> None:
        super().close()
        self._end()

    def _end(self) -> None:
        if self.href and len(self.found) < 1000:
            self.found.append((self.href[:2000], " ".join("".join(self.text).split())[:300]))
        self.href, self.text = None, []
