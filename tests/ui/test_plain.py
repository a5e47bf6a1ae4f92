"""HTML as text for judging a mail: what its sender hid is there, and marked."""

import pytest

from portal.meaning.body import to_text
from portal.meaning.plain import HIDDEN, SHOWN, runs


def seen(html: str) -> str:
    return to_text(html).replace(HIDDEN, "[").replace(SHOWN, "]")


HIDING = [
    "font-size:0", "font-size: 0px", "font-size:0.1px", "font-size:1px", "font:0/0 a", "font-size:0%", "display:none", "DISPLAY : NONE !important",
    "visibility:hidden", "visibility:collapse", "opacity:0", "opacity:0.01", "max-height:0;overflow:hidden", "max-height:0px", "height:0;overflow:hidden",
    "mso-hide:all", "color:#fff", "color:#FFFFFF", "color:white", "color:rgb(255,255,255)", "color:rgb(255 255 255)", "color:#fefefe",
    "color:#fff;background:#fff", "color:red;background-color:#f00", "color:transparent", "color:rgba(0,0,0,0)", "color:#0000",
    "position:absolute;left:-9999px", "position:fixed;top:-2000px", "text-indent:-9999px", "margin-left:-5000px", "position:absolute;clip:rect(0,0,0,0)",
    "transform:scale(0)", "filter:opacity(0)", "max-width:0",
]  # fmt: skip


@pytest.mark.parametrize("style", HIDING)
def test_what_a_reader_would_not_see_is_marked(style: str):
    assert seen(f'<p>vor <span style="{style}">ver<b>steckt</b></span> nach</p>') == "vor [versteckt] nach"


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>x</p>", "<font color=white>x</font>", "<table bgcolor=#000000><tr><td><font color=#000>x</font></table>",
        "<style>.a{display:none}</style><p class='b a'>x</p>", "<style>#a{font-size:0}</style><p id=a>x</p>",
        "<style><!-- .a, .b { color: #fff } --></style><p class=b>x</p>",
    ],
)  # fmt: skip
def test_attributes_and_style_sheets_hide_too(html: str):
    assert seen(html) == "[x]"


@pytest.mark.parametrize(
    "html",
    [
        "<p style='color:#333'>x</p>", "<td bgcolor=navy><font color=white>x</font></td>", "<p style='background:navy;color:#fff'>x</p>",
        "<div style='background-image:url(x)'><p style='color:#fff'>x</p></div>", "<p style='opacity:1;line-height:0'>x</p>",
        "<div style='font-size:0'><p style='font-size:14px'>x</p></div>", "<p style='visibility:hidden'><b style='visibility:visible'>x</b></p>",
        "<style>@media (max-width:600px){.a{display:none}}</style><p class=a>x</p>", "<p style='font:bold 12px/1.5 Arial'>x</p>",
        "<p style='font-size:small'>x</p>", "<p style='max-width:600px;height:0'>x</p>", "<p style='margin-left:-10px;max-width:100%'>x</p>",
        "<p style='color:inherit;background:inherit'>x</p>", "<p style='color:var(--x);font-size:calc(1px + 1em)'>x</p>",
        "<table style='background:#000;color:#fff'><tr><td>x</td></tr></table>",
    ],
)  # fmt: skip
def test_what_a_reader_sees_is_not_marked(html: str):
    html = f"<table><tr>{html}</tr></table>" if html.startswith("<td") else html
    assert seen(html) == "x"


def test_hidden_letters_are_marked_where_they_stand_and_no_mail_makes_marks_of_its_own():
    html = '<p>Ihr Pass<span style="font-size:0px">xkq9</span>wort</p><div style="display:none">Protokoll<br>eins</div><p>Ende\x0e&#14;\x0f</p>'
    assert seen(html) == "Ihr Pass[xkq9]wort\n[Protokoll\neins]\nEnde"
    assert runs(to_text(html)) == [
        ("Ihr Pass", False),
        ("xkq9", True),
        ("wort\n", False),
        ("Protokoll\neins", True),
        ("\nEnde", False),
    ]


def test_text_has_its_lines_where_a_reader_sees_them():
    assert to_text(
        "<p>One\n two<br>three</p><div>four<ul><li>a<li>b</ul></div><table><tr><td>c</td><td>d</td></tr></table>e"
    ) == ("One two\nthree\nfour\na\nb\nc d\ne")


STYLE_BOMBS = {
    "sheets without an end": "<style>" * 50_000,
    "one class of many rules": "<style>" + ".a{display:none}" * 20_000 + "</style>" + "<p class=a>x" * 5000,
    "many classes": "<style>" + "".join(f".a{n}{{color:red}}" for n in range(10_000)) + f"</style><p class='{' '.join(f'a{n}' for n in range(2000))}'>x",
    "empty declarations of many elements": "<style>" + "".join(f".a{n}{{{';' * 1990}}}" for n in range(20)) + "</style>" + f"<p class='{' '.join(f'a{n}' for n in range(9))}'>x" * 9000,
    "screens in screens": "<style>" + "@media x{" * 20_000 + "</style>x",
    "brackets": "<style>@a{" + "b{c}" * 20_000 + "</style>x",
    "comments": "<style>" + "/*" * 50_000 + "</style>x",
    "a long style in many paragraphs": f"<p><a style='{'color:red;' * 1500}'>" + "</p><p>x" * 4000,
}  # fmt: skip


@pytest.mark.parametrize("html", STYLE_BOMBS.values(), ids=STYLE_BOMBS)
def test_styles_made_to_keep_a_reader_busy_are_read_in_part(html: str):
    assert len(to_text(html)) <= len(html)


def test_rules_count_behind_those_for_some_screens_and_behind_comments():
    sheet = "@import url(x); /* .b{} */ @media print { .a { color: red } .b { display: none } } .c, #d{display:none;unknown:1} .e{} p{"
    html = f"<style>{sheet}</style><p class=a>a</p><p class=b>b</p><p class=c>c</p><p id=d>d</p><p>e</p>"
    assert seen(html) == "a\nb\n[c\nd]\ne"
