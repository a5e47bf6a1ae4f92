"""A mail's body made safe to look at. The mail is the enemy: every byte of it was chosen by somebody who may wish us ill.

Two walls, each enough alone: the sanitiser lets through a list of harmless tags, and the answer it is served in forbids
scripts, forms and everything remote (`CSP` and `SANDBOX`, for an iframe that has no access to our pages).
"""

import base64
import html as htmllib
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from html.parser import HTMLParser

import nh3

from portal.ui.links import Link, in_text, judged

# A mail can be made to burst a parser: these limits keep every one at a few seconds and some hundred megabytes.
LARGEST_SOURCE = 32 * 1024 * 1024  # bytes of a mail that we still take apart
MOST_LINES, MOST_BOUNDARIES = 1_000_000, 50  # the standard library looks for every open boundary in every line
LONGEST_HEADER = 10_000  # characters
LARGEST_HTML = 512 * 1024  # characters; the sanitiser does 3 MB a second, and a tag of attributes alone costs 3 s at this size
MOST_TAGS = 10_000  # opening, closing and comments: tags within tags cost the square of their number
LARGEST_TEXT = 200_000  # characters in the page
LARGEST_IMAGES = 2 * 1024 * 1024  # bytes of inline images that go along
MOST_PARTS = 200
LONGEST_TAG = 20_000  # characters: a tag of attributes alone keeps the sanitiser busy

CHARSETS = re.compile(
    r"(us-)?ascii|utf[-_]?(7|8|16|32)([-_]?(le|be|sig))?|iso[-_]?8859[-_]?\d+|latin[-_]?\d+|(windows|cp)[-_]?\d+|koi8[-_][rut]|mac\w+"
    r"|gb\w*|hz|big5\w*|euc[-_]?\w+|iso[-_]?2022[-_]\w+|shift[-_]?jis\w*|sjis|ks_?c\w*|tis[-_]?620|johab|viscii"
)

SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")

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
    "a": {"href"},
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
# The HTML standard opens such a tag again in every paragraph behind it: 100 KB become gigabytes. Under another name it does not.
FORMATTING = re.compile(r"<(/?)(b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE)
RENAMED = re.compile(r"<(/?)x-(b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=[\s>])")
RENAMED_TAGS = TAGS | {f"x-{tag}" for tag in ("b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")}
# The style filter looks at names only: a harmless property can still carry a request or an escape in its value.
BAD_STYLE = re.compile(r"url|image|expression|import|src\s*\(|[\\@<>{}]", re.IGNORECASE)


@dataclass
class Body:
    """A mail taken apart: its text, its HTML as received (unsafe), its links and its inline images by Content-ID."""

    text: str = ""
    html: str = ""
    links: list[Link] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # it was too long to show whole
    remote: bool = False  # it would load something from elsewhere

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


def take_apart(content: str | None, source: str | None) -> Body:
    """Text, HTML, links and inline images of a mail. `source` is the raw message, `content` the body where there is no source."""
    body = Body()
    if source:
        _read_source(source, body)
    if not body.text and not body.html and content:
        if re.search(r"<(html|body|div|p|br|table|a|span)\b", content[:LARGEST_HTML], re.IGNORECASE):
            body.html = content
        else:
            body.text = content
    if len(body.html) > LARGEST_HTML or body.html.count("<") > MOST_TAGS:
        body.html, body.cut = "<".join(body.html[:LARGEST_HTML].split("<", MOST_TAGS)[:MOST_TAGS]), True
    if re.search(rf"<[^<>]{{{LONGEST_TAG}}}", body.html):
        body.html, body.cut = "", True
    if body.html:
        reader = _read_links(body.html)
        body.links = judged(reader.found)
        body.remote = reader.remote or bool(re.search(r"url\s*\(\s*[\"']?https?:", body.html, re.IGNORECASE))
        if not body.text.strip():
            body.text = to_text(body.html)
    if len(body.text) > LARGEST_TEXT:
        body.text, body.cut = body.text[:LARGEST_TEXT], True
    if not body.html:
        body.links = in_text(body.text)
    return body


def safe_html(body: Body, remote_images: bool = False) -> str:
    """The HTML of a mail with nothing left that acts, asks or loads; remote images only where the reader wants them."""

    def gate(tag: str, name: str, value: str) -> str | None:
        if name == "style":
            kept = [part for part in value.split(";") if part.strip() and not BAD_STYLE.search(part)]
            return ";".join(kept) or None
        if tag == "img" and name == "src":
            address = value.strip()
            if address.lower().startswith("cid:"):
                return body.images.get(address[4:])
            if re.match(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$", address):
                return address
            # Asked for, they come over TLS or not at all: the policy allows nothing else.
            remote = remote_images and address.lower().startswith(("http:", "https:"))
            return "https:" + address.partition(":")[2] if remote else None
        if name == "href":
            return value if value.strip().lower().startswith(("http:", "https:", "mailto:")) else None
        return value

    clean = nh3.clean(
        FORMATTING.sub(r"<\1x-\2", body.html),
        tags=RENAMED_TAGS,
        clean_content_tags=GONE_WITH_CONTENT,
        attributes=ATTRIBUTES,
        attribute_filter=gate,
        filter_style_properties=STYLES,
        url_schemes={"http", "https", "mailto", "data", "cid"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}, "img": {"referrerpolicy": "no-referrer"}},
    )
    return RENAMED.sub(r"<\1\2", clean)


def document(body: Body, remote_images: bool = False) -> str:
    """The sanitised body as a document of its own, for the iframe; to be served with `csp`."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>-</title><style>'
        "html { color-scheme: light; background: #fff; color: #111; font: 15px/1.5 system-ui, sans-serif }"
        "body { margin: 12px; overflow-wrap: anywhere } img { max-width: 100%; height: auto } table { max-width: 100% }"
        f"</style></head><body>{safe_html(body, remote_images)}</body></html>"
    )


def to_text(html: str) -> str:
    """HTML as plain text: enough to judge a mail, with paragraphs where they were."""
    broken = re.sub(r"<(br|/p|/div|/tr|/h[1-6]|/li|hr)\b[^>]{0,200}>", "\n", html[:LARGEST_HTML], flags=re.IGNORECASE)
    broken = FORMATTING.sub(r"<\1x-\2", broken)
    text = htmllib.unescape(nh3.clean(broken, tags=set(), clean_content_tags=GONE_WITH_CONTENT, attributes={}))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def links(html: str) -> list[Link]:
    """Every link with what it shows and where it really goes, 200 at most."""
    return judged(_read_links(html).found)


def _read_links(html: str) -> "_Links":
    # What the sanitiser gives is well-formed; with raw HTML the standard library's parser can be kept busy for minutes.
    reader = _Links()
    reader.feed(
        nh3.clean(
            FORMATTING.sub(r"<\1x-\2", html),
            tags={"a", "area", "img"},
            clean_content_tags=GONE_WITH_CONTENT,
            attributes={"a": {"href"}, "area": {"href"}, "img": {"src", "alt"}},
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
        if tag in ("a", "area"):
            self._end()
            self.href = (dict(attrs).get("href") or "").strip()
        elif tag == "img":
            self.remote = self.remote or (dict(attrs).get("src") or "").strip().lower().startswith(("http:", "https:"))
            if self.href is not None:
                self.text.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
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


class _ShortHeaders(Compat32):
    """Reading the parameters of a header costs the square of their number."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:LONGEST_HEADER]


def _read_source(source: str, body: Body) -> None:
    lines = source.count("\n") + source.count("\r")
    if len(source) > LARGEST_SOURCE or lines > MOST_LINES or source.lower().count("boundary") > MOST_BOUNDARIES:
        body.cut = True
        return
    try:
        _read_parts(source, body)
    except Exception:  # the standard library fails in many ways on a mail made for it: what was read until then is shown
        body.cut = True


def _read_parts(source: str, body: Body) -> None:
    # The gateway sends the raw bytes as text; a mail that was decoded with replacement characters is read as far as it goes.
    message = message_from_bytes(source.encode("utf-8", "replace"), policy=_ShortHeaders())
    room = LARGEST_IMAGES
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            body.cut = True
            return
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        named = part.get_content_disposition() == "attachment" or bool(part.get_filename(None))
        if kind == "text/plain" and not named and not body.text:
            body.text = _text(part)
        elif kind == "text/html" and not named and not body.html:
            body.html = _text(part)
        elif kind in IMAGE_TYPES and (cid := str(part.get("Content-ID", "")).strip().strip("<>")):
            data = part.get_payload(decode=True)
            if isinstance(data, bytes) and len(data) <= room:
                room -= len(data)
                body.images[cid] = f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    cut = len(data) > 2 * LARGEST_HTML
    data = data[: 2 * LARGEST_HTML]
    charset = part.get_content_charset("utf-8")
    try:
        if not CHARSETS.fullmatch(charset):  # Python knows more codecs than mails do, and some take minutes (punycode)
            raise LookupError
        text = data.decode(charset, "replace" if cut else "strict")
        return text.encode("utf-8", "replace").decode()  # some charsets give half characters, which nobody can be sent
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace") if b"\xef\xbf\xbd" in data or _is_utf8(data) else data.decode("latin-1")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
