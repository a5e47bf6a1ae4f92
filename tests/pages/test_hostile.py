"""A gateway whose every answer is an attack: markup in every text, ids that want to be another address."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin
from urllib.parse import quote, unquote

import httpx
import msgspec
import pytest
from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from portal.api import access_controls, domains, health, mail, options, policies, sender_rules, users
from portal.audit.models import Entry
from portal.batches.models import Batch, Row, State
from portal.pages.access import ExistingForm, NewForm
from portal.pages.options import OtherForm, _form as option_form
from portal.pages.users.mail import MailSearch
from portal.pages.users.rules import RuleForm
from portal.pages.users.sender import ActionForm
from tests.conftest import Gateway
from tests.places import IDS as IDS_OF_PLACES, PLACES, Place

TEXTS = {
    "script": '"><script>alert(1)</script>',
    "image": "<img src=x onerror=alert(1)>",
    "template": "{{7*7}}{% debug %}${7*7}",
    "quotes": """'"`--><svg/onload=alert(1)>""",
    "attribute": '" autofocus onfocus=alert(1) x="',
    "link": "javascript:alert(1)//",
    "right to left": "\u202egpj.exe\u2066",
    "null bytes": "a\0b\0<script\0>",
    "control": "a\rb\nc\x1b[31m\x85\ufffe",
    "long": "x" * 9_000,
    "long and wide": "<b>" * 3_000,
}
IDS = {
    "slash": "a/b", "dots in a name": "a..b/..c", "script": '"><script>alert(1)</script>', "dots": "%2e%2e%2f",
    "dots encoded twice": "%252e%252e", "space": " a b ", "query": "a?b=c#d", "plus": "a+b&c;d", "umlaut": "Entwürfe",
    "a percent sign": "100%", "quotes": "'\"<>`", "longest": "i" * 1000, "backslash": "a\\x", "colon": "http://evil.example/",
}
NO_IDS = {
    "dots": "..", "dot": ".", "up": "../x", "up and down": "a/..\\b", "dots with a tail": "..;x", "too long": "i" * 2000,
    "line break": "a\nb", "null byte": "a\0b", "control": "a\x85b",
}
# The last and the first moment of the calendar, for people for whom it is a day later or earlier.
NUMBERS = {
    "huge": (10**30, "UTC"), "no float": (10**400, "UTC"), "negative": (-5, "UTC"),
    "end of time": (253402300799999, "Pacific/Kiritimati"), "start of time": (-62135596800000, "America/Adak"),
}

MESSAGE_URL = "/users/u1/mail/Quarantine/m1/"
LEADING_ON = ("/users/id/mail/", "/domains/id/dkim/new/", "/domains/id/dkim/rotate/")
NO_PAGES = ("mail-body", "mail-source")  # the frame of a message has a test of its own
# Every page, with the id that the attacker gives everything, and with an attack for each value of its query.
OF_ALL = {**dict.fromkeys(IDS_OF_PLACES, "id"), "batch": "1", "option": "an-option"}


def attacked(place: Place) -> str:
    path, mark, query = place.at(OF_ALL).partition("?")
    return path + mark + re.sub("=[^&]*", "=\"><script>alert(1)</script>", query)


OPENED = [place for place in PLACES if place.post is None and not place.file and not place.made and place.name not in NO_PAGES]
PAGES = [
    *(attacked(place) for place in OPENED if not place.part_of),
    "/users/", "/users/?email=<script>", "/users/u1/", "/users/u1/folders/?shown=<script>", "/users/u1/subfolders/?path=<script>",
    "/users/u1/mail/Quarantine/", "/users/u1/mail/Quarantine/?sender=<script>&subject=\"><img src=x>&after=<b>&page=<i>",
    MESSAGE_URL, MESSAGE_URL + "?view=html", MESSAGE_URL + "?view=html&images=1",
    MESSAGE_URL + "release/?allow=mailbox&description=<script>", MESSAGE_URL + "block/", "/users/u1/rules/id/?value=<script>",
    "/domains/d1/rules/senders/id/?description=<script>&days=<b>", "/domains/?name=<script>&sort=<b>&per_page=<b>",
    "/domains/d1/", "/domains/d1/users/", "/search/?q=<script>alert(1)</script>", "/domains/?customerId=<script>",
    "/domains/?status=<script>&platformId=\"><script>", "/domains/health-marks/?rows=<script>,\"><b>", "/domains/d1/setup/",
    "/activity/?page=<script>", "/batches/", "/batches/1/", "/",
    "/domains/d1/options/?q=", "/domains/d1/other-option/?name=<script>", "/domains/d1/access/", "/domains/d1/admins/?search=<script>",
    "/domains/d1/add-admin/?search=<script>&account=<b>", "/domains/d1/new-admin/?login=<script>", "/domains/d1/admins/a1/",
    "/domains/d1/admins/a1/revoke/",
]
PANELS = {
    **{attacked(place): place.target for place in OPENED if place.target not in ("", "-")},
    "/search/suggestions/?q=<script>": "suggestions", "/users/u1/panels/folders/?shown=<script>": "folders", MESSAGE_URL + "reading/": "reading",
    "/users/u1/panels/mail/Quarantine/?newest": "held", "/domains/d1/panels/users/": "domain-users",
    "/domains/d1/setup/": "domain-setup", "/domains/health-marks/?rows=0123456789ab,<b>": "domain-marks", "/users/u1/panels/mail/<img src=x>/": "held",
    "/domains/d1/panels/admins/": "domain-admins", "/domains/d1/add-admin/accounts/?search=<script>": "accounts",
}
ACTIONS = {
    MESSAGE_URL + "release/": {}, MESSAGE_URL + "release/?": {"allow": "mailbox", "confirmed": "1", "infected": "1"},
    MESSAGE_URL + "release/??": {"allow": "domain"}, MESSAGE_URL + "block/": {},
    "/users/u1/rules/id/": {"days": "30", "description": "<script>"}, "/domains/d1/rules/senders/id/": {"delete": "1"},
}

WRITES = [(attacked(place), {**place.post, "description": "<script>"}) for place in PLACES if place.post is not None]


# The attacker: every record of the API with every field filled, whatever fields it will have one day.

def filled(kind: Any, text: str, id: str, number: int) -> Any:
    """A value of this type, as hostile as the type allows."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        special = {"id": id, "from": f"{text} <info@shop.example>", "headers": headers(text), "sentDate": number}
        fields = [(field.encode_name, field.type) for field in msgspec.structs.fields(kind)]
        return {name: special[name] if name in special else filled(type, text, id, number) for name, type in fields}
    if get_origin(kind) is UnionType:
        wanted = sorted((one for one in get_args(kind) if one is not NoneType), key=lambda one: one is not str)
        return filled(wanted[0], text, id, number)
    if get_origin(kind) is list:
        return [filled(get_args(kind)[0], text, id, number)]
    return {str: text, int: number, float: 1e308, bool: True}[kind]


def headers(text: str) -> dict[str, Any]:
    """Headers of a mail: those that are read, those that are only shown, and shapes that no mail has."""
    return {} if text == "text" else {
        "From": text, "Reply-To": f"{text} <{text}@evil.example>", "Return-Path": f"<{text}>", "X-Spam-Score": text,
        "X-Spam-Status": f"Yes, score=9.5 required=5 tests={text},BAYES_99", "X-Virus-Status": f"Infected ({text})",
        "Authentication-Results": f"mx; spf=pass smtp.mailfrom={text}; dkim={text} header.d={text}; dmarc={text}",
        "Received": [text, text], text: text, "X-Odd": [{text: [text]}, None, 7], "X-None": None, "X-Empty": [],
    }


def attack(text: str = "text", id: str = "id", number: int = 7) -> Callable[[httpx.Request], httpx.Response]:
    """A gateway that fills every field of every answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        for pattern, record, listed in (
            ("/users|/domains/[^/]+/users", users.User, True), ("/users/[^/]+", users.User, False),
            ("/domains", domains.Domain, True), ("/domains/[^/]+", domains.Domain, False),
            ("/domains/[^/]+/aliases", domains.Alias, True), ("/domains/[^/]+/policies", policies.Policy, request.method == "GET"),
            ("/policies/[^/]+", policies.Policy, False), ("/health", health.DiagnosticEntry, True), ("/(domains|platforms)/[^/]+/health", health.EntityHealth, False),
            ("/domains/[^/]+/admins", access_controls.Admin, True),
            ("/domains/[^/]+/options", options.Option, True), ("/domains/[^/]+/access", domains.Permission, True),
            ("/security/permissions", access_controls.Grantable, True), ("/domains/[^/]+/admins/[^/]+", access_controls.Admin, False),
            ("/domains/[^/]+/admins|/security/admins", access_controls.Admin, True),
            (".*/wblist(/[^/]+)?", sender_rules.SenderRule, True), ("/users/[^/]+/emails/folders(/[^/]+)?", mail.Folder, True),
            ("/users/[^/]+/emails/[^/]+", mail.Message, True), ("/users/[^/]+/emails/[^/]+/[^/]+", mail.MessageContent, False),
        ):
            if re.fullmatch(pattern, path):
                one = filled(record, text, id, number)
                return httpx.Response(200, json=[one, {**one, "from": text}] if listed else one)
        if path.endswith("/dkim"):
            return httpx.Response(200, json=[text, f"{text} TXT {text}"])
        return httpx.Response(200, content=text.encode())

    return answer


def refusal(status: int, text: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json={"code": status, "message": text, "fields": {text: text, "value": text}})


# The judge: nothing on a page but what our own templates have.

class Reader(HTMLParser):
    """Collects the elements with their attributes, the addresses, and the text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.twice = False  # an attribute stands twice in an element
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.twice |= len({name for name, _value in attrs}) < len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def shapes(self) -> set[str]:
        """Each element, and each attribute of it, as `a` and `a href`."""
        return {f"{tag} {name}".strip() for tag, attributes in self.elements for name in ("", *attributes)}

    def all(self, *names: str) -> Iterator[str]:
        """The values of these attributes."""
        return (attributes[name] for _tag, attributes in self.elements for name in names if name in attributes)


# What Django writes into the fields of forms over records, whatever their values.
OF_FIELDS = ("input inputmode", "select aria-describedby", "select aria-invalid", "textarea required")


def ours() -> set[str]:
    """The elements and attributes that are written in our templates, or made by our forms."""
    found = set()
    for template in (path for path in Path(settings.BASE_DIR, "templates").rglob("*") if path.is_file()):
        found |= Reader(re.sub(r"{%.*?%}|{#.*?#}|{{.*?}}", "", template.read_text(), flags=re.DOTALL)).shapes
    for form in (MailSearch({"after": "x"}), RuleForm(), ActionForm()):
        assert isinstance(form, forms.Form)
        found |= Reader("".join(str(form[name]) for name in form.fields)).shapes
    request = RequestFactory().get("/")
    for type in ("COLOR", "EMAIL", "BOOL", "LIST", "URL", "TIMEZONE", "HOST", "TEXT", "STRING", "PASSWORD"):
        form = option_form(request, options.OptionDef(name="x", type=type, values=["x"]), "", "x", own=True)
        found |= Reader("".join(str(field) for field in form)).shapes
    for a_form in (ExistingForm(request, {"x": True}), NewForm(request, {"x": True}), OtherForm(request)):
        found |= Reader("".join(str(field) for field in a_form)).shapes
    return found | {"input name", "input type", "input value", "option selected", "input aria-invalid", *OF_FIELDS}


OURS = ours()
SAFE = re.compile(r"/(?!/)|\?|#|$")  # a path of ours, this page with another query, a place in it


def judge(answer: HttpResponse) -> Reader:
    assert answer.status_code != 500
    page = Reader(answer.getvalue().decode())
    assert page.shapes <= OURS, page.shapes - OURS
    assert not page.twice
    assert not any(" on" in shape or shape.endswith(" style") for shape in page.shapes)
    assert all(attributes["src"].startswith("/static/") for tag, attributes in page.elements if tag == "script")
    for address in page.all("href", "src", "action", "formaction", "hx-get", "hx-post", "hx-push-url"):
        assert address in ("true", "false") or SAFE.match(address), address
    return page


@pytest.fixture
def victim(browser_of_somebody: Client) -> Client:
    """Somebody signed in, whose log and batches are full of hostile words too."""
    owner = browser_of_somebody.session["owner"]
    for text in TEXTS.values():
        said = text[:500]
        Entry.objects.create(owner=owner, who=said[:255], operation=said[:64], target=said, reason=said, result="done")
    ids = {"userIdOrEmail": "<script>"}
    batch = Batch.objects.create(pk=1, owner=owner, who="x", session_key="x", kind="release", operation="x", url="/", ids=ids)
    Row.objects.bulk_create(
        Row(batch=batch, target=name, label=text[:300], message=text[:300], reason=text[:500], state=State.REFUSED)
        for name, text in TEXTS.items()
    )
    return browser_of_somebody


def expected(url: str) -> tuple[int, ...]:
    """A page leads on where it has nothing to ask; the attacker's options have other names, and its messages no message inside."""
    if "/options/an-option/" in url or url.endswith("/attached/1/"):
        return (404,)
    return (200, 302) if url in LEADING_ON else (200,)


def fragment(target: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": target}


def test_the_judge_knows_guilt() -> None:
    for text in ("<script>x</script>", "<img src=x>", "<p onclick=x>", "<a href=javascript:x>", "<a href=//evil.example>"):
        with pytest.raises((AssertionError, KeyError)):
            judge(HttpResponse(text))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_text_of_the_gateway_becomes_markup(text: str, victim: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    gateway.answer = attack(text)
    for url in PAGES:
        with subtests.test(url):
            answer = victim.get(url)
            assert answer.status_code in expected(url)
            judge(answer)
    for url, target in PANELS.items():
        with subtests.test(url, target=target):
            answer = victim.get(url, headers=fragment(target))
            assert answer.status_code in expected(url)
            judge(answer)
    for url, data in ACTIONS.items():
        for headers in ({}, fragment("reading")):
            with subtests.test(url, **data):
                answer = victim.post(url, data, headers=headers)
                assert answer.status_code in (200, 302, 422)
                judge(answer)
    for url, data in WRITES:
        with subtests.test(url, **data):
            judge(victim.post(url, data))
    judge(victim.get("/activity/"))


@pytest.mark.parametrize("name", ["script", "image", "template", "quotes", "right to left"])
def test_a_hostile_text_is_shown_as_it_is(name: str, victim: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    text = TEXTS[name]
    gateway.answer = attack(text)
    for url in ("/users/", "/users/u1/", "/users/u1/mail/Quarantine/", MESSAGE_URL, "/domains/", "/domains/d1/", "/activity/"):
        with subtests.test(url):
            assert text in judge(victim.get(url)).text
    for status in (403, 409, 422):
        with subtests.test(status):
            gateway.answer = refusal(status, text)
            assert judge(victim.get("/users/")).text.count(text) == 4
            assert text in judge(victim.get("/users/u1/panels/mail/Quarantine/", headers=fragment("held"))).text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 429, 500])
def test_no_error_of_the_gateway_becomes_markup(status: int, victim: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for name in ("script", "quotes", "attribute", "null bytes"):
        with subtests.test(name):
            text = TEXTS[name]
            gateway.answer = lambda request, text=text: (attack() if request.method == "GET" else refusal(status, text))(request)
            for url, data in ACTIONS.items():
                for headers in ({}, fragment("reading")):
                    judge(victim.post(url, data, headers=headers))
                    if status == 401:
                        return  # the session is over; the pages of errors are the same for all
            gateway.answer = refusal(status, text)
            judge(victim.get("/users/"))
            judge(victim.get("/search/?q=x"))
            judge(victim.get(MESSAGE_URL))


@pytest.mark.parametrize(("number", "zone"), NUMBERS.values(), ids=NUMBERS)
def test_no_number_of_the_gateway_breaks_a_page(
    number: int, zone: str, victim: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    victim.cookies["timezone"] = zone
    gateway.answer = attack(number=number)
    for url in PAGES:
        with subtests.test(url):
            assert victim.get(url).status_code in expected(url)
    for url, data in ACTIONS.items():
        with subtests.test(url):
            assert victim.post(url, data, headers=fragment("reading")).status_code == 200


@pytest.mark.parametrize("images", ["", "?images=1"])
def test_the_frame_of_a_mail_holds_nothing_that_acts(
    images: str, victim: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for name, text in TEXTS.items():
        for content in (text, f"<p>{text}</p>", f'<a href="{text}" title="{text}">x</a>', f"<img alt='{text}'><b style='{text}'"):
            with subtests.test(name, content=content[:40]):
                gateway.answer = lambda request, content=content: httpx.Response(200, json={"content": content})
                page = Reader(victim.get(f"{MESSAGE_URL}body/{images}").content.decode())
                acts = {"script", "svg", "iframe", "form", "input", "base", "link", "object", "embed"}
                assert not acts & {tag for tag, _attributes in page.elements}
                assert not any(" on" in shape or shape.endswith((" autofocus", " srcdoc")) for shape in page.shapes)
                assert all(re.match("https?:|mailto:", address) for address in page.all("href"))
                assert all(re.match("https:|data:image/", address) for address in page.all("src"))


def test_a_sender_too_long_to_be_one_is_no_sender(victim: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(200, json={"id": "m1", "from": "x" * 50_000 + " <info@shop.example>"})
    shown = judge(victim.get(MESSAGE_URL + "reading/", headers=fragment("reading")))
    assert "This message has no usable sender address." in shown.text
    assert len(shown.text) < 10_000


@pytest.mark.parametrize("target", ['x" onclick="alert(1)', "<script>alert(1)</script>", "'>", "\u202e"])
def test_the_name_of_a_region_is_no_way_in(target: str, victim: Client, gateway: Gateway) -> None:
    gateway.answer = refusal(500, "no")
    judge(victim.get("/users/u1/panels/mail/Quarantine/", headers=fragment(target)))


# Ids: one segment there and back.

def segments(request: httpx.Request) -> list[str]:
    """The path that the gateway was asked for, taken apart while still encoded, and each part decoded."""
    return [unquote(part) for part in request.url.raw_path.decode().partition("?")[0].split("/")[1:]]


def follow(victim: Client, gateway: Gateway, address: str, target: str = "") -> tuple[int, list[list[str]]]:
    """Open an address of a page; what the gateway is asked then."""
    gateway.asked.clear()
    answer = victim.get(address, headers=fragment(target) if target else {})
    return answer.status_code, [segments(request) for request in gateway.asked]


def links(victim: Client, url: str, of: str, target: str = "") -> set[str]:
    """The addresses on a page that begin so, other than the page itself."""
    page = judge(victim.get(url, headers=fragment(target) if target else {}))
    return {one for one in page.all("href", "hx-get", "action", "hx-post", "formaction") if re.match(of, one)} - {url}


@pytest.mark.parametrize("id", IDS.values(), ids=IDS)
def test_an_id_of_the_gateway_comes_back_to_it_unchanged(id: str, victim: Client, gateway: Gateway) -> None:
    gateway.answer = attack(id=id)

    def leads(url: str, of: str, *asked: str, target: str = "", into: str = "") -> None:
        found = links(victim, url, of, target)
        assert found, f"no link to {of} on {url}"
        for address in found:
            status, questions = follow(victim, gateway, address, into)
            assert status == 200, address
            assert list(asked) in questions, questions

    leads("/users/", "/users/[^/?]+/$", "users", id)
    leads("/search/?q=id", "/users/[^/?]+/$", "users", id)
    leads("/search/suggestions/?q=id", "/domains/[^/?]+/$", "domains", id, target="suggestions")
    leads("/domains/", "/domains/(?!new/)[^/?]+/$", "domains", id)
    leads("/domains/d1/panels/users/", "/users/[^/?]+/$", "users", id, target="domain-users")
    mails, panel = "/users/u1/mail/Quarantine/", "/users/u1/panels/mail/Quarantine/"
    leads(panel, mails + "[^/?]+/$", "users", "u1", "emails", "Quarantine", id, target="held")
    leads(panel, mails + "[^/?]+/reading/$", "users", "u1", "emails", "Quarantine", id, target="held", into="reading")
    mine = mails + quote(quote(quote(id, safe=""), safe=""), safe="") + "/"  # decoded by the server, by the URL, by the converter
    judge(victim.get(mine))
    leads(MESSAGE_URL, MESSAGE_URL + "attachments/.+", "users", "u1", "emails", "Quarantine", "m1", "attachments", id)


@pytest.mark.parametrize("path", IDS.values(), ids=IDS)
def test_a_folder_is_one_segment_whatever_its_name(path: str, victim: Client, gateway: Gateway) -> None:
    gateway.answer = attack(text=path)
    found = links(victim, "/users/u1/panels/folders/", "/users/u1/mail/.", target="folders")
    assert len(found) == 1
    status, questions = follow(victim, gateway, found.pop())
    assert (status, sorted(questions)) == (200, [["users", "u1"], ["users", "u1", "emails", path]])
    inner = links(victim, "/users/u1/panels/folders/", "/users/u1/subfolders/", target="folders")
    for address in inner:
        assert follow(victim, gateway, address) == (200, [["users", "u1", "emails", "folders", path]])
    assert len(inner) == 2  # with and without JavaScript


@pytest.mark.parametrize("id", IDS.values(), ids=IDS)
def test_an_action_is_for_the_very_mail_that_is_open(id: str, victim: Client, gateway: Gateway) -> None:
    gateway.answer = attack(id=id)
    mails, panel = "/users/u1/mail/Quarantine/", "/users/u1/panels/mail/Quarantine/"
    (open_mail,) = links(victim, panel, mails + "[^/?]+/reading/$", target="held")
    for action in sorted(links(victim, open_mail, r".*/(release|block)/$", target="reading")):
        gateway.asked.clear()
        assert victim.post(action, {"infected": "1"}).status_code == 302
        (written,) = [segments(request) for request in gateway.asked if request.method == "POST"]
        assert written[2:] == (["emails", "Quarantine", id, "release"] if "release" in action else ["wblist"])


@pytest.mark.parametrize("id", IDS.values(), ids=IDS)
def test_a_batch_is_for_the_very_mails_that_were_selected(id: str, victim: Client, gateway: Gateway) -> None:
    gateway.answer = attack(id=id)
    page = judge(victim.get("/users/u1/mail/Quarantine/"))
    ticked = {attributes["value"] for tag, attributes in page.elements if tag == "input" and attributes.get("name") == "mail"}
    assert ticked == {id}
    victim.post("/batches/release/", {"user": "u1", "folder": "Quarantine", "mail": [*ticked]})
    assert Row.objects.latest("id").target == id


@pytest.mark.parametrize("id", IDS.values(), ids=IDS)
def test_the_rule_in_a_toast_is_the_very_rule_that_was_made(id: str, victim: Client, gateway: Gateway) -> None:
    gateway.answer = attack(id=id)
    page = judge(victim.post(MESSAGE_URL + "block/", {}, headers=fragment("reading")))
    (change,) = {address for address in page.all("hx-post", "action") if "/rules/" in address}
    gateway.asked.clear()
    assert victim.post(change, {"delete": "1"}).status_code == 302
    assert segments(gateway.asked[-1]) == ["users", "u1", "wblist", id]
    assert gateway.asked[-1].method == "DELETE"


@pytest.mark.parametrize("id", NO_IDS.values(), ids=NO_IDS)
def test_an_id_that_can_be_none_is_shown_and_never_asked_for(id: str, victim: Client, gateway: Gateway) -> None:
    gateway.answer = attack(id=id)
    for url in ("/users/", "/domains/", "/users/u1/mail/Quarantine/"):
        found = links(victim, url, url + "(?!new/|health-marks/|panels/)[^?]")  # none of these is the address of one domain
        assert found
        for address in found:
            assert follow(victim, gateway, address) == (404, []), address


def test_ids_may_be_numbers(victim: Client, gateway: Gateway) -> None:
    gateway.answer = attack(id=4711)  # type: ignore[arg-type]
    (address,) = links(victim, "/users/", "/users/[^?]")
    assert follow(victim, gateway, address) == (200, [["users", "4711"]])


# Addresses that somebody typed, or wrote into a mail.

def routes(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and "<id:" in str(pattern.pattern):
            yield "/" + str(pattern.pattern)


BAD_ADDRESSES = {
    "..": "..", ".": ".", "%2e%2e": "%2e%2e", "%2e%2e%2f": "%2e%2e%2f", "a%2Fb": "a%2Fb", "10 kB": "i" * 10_240,
    "%0a": "a%0Ab", "%0d%0a twice": "a%250D%250Ab", "%00": "a%00b", "%2500": "a%2500b", "%252e%252e": "%252e%252e", "empty": "",
    "%85": "a%C2%85b",
}


@pytest.mark.parametrize("bad", BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
def test_an_address_with_an_impossible_id_is_not_found_and_nobody_is_asked(
    bad: str, victim: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    gateway.answer = attack()
    for route in routes(get_resolver().url_patterns):
        for place in re.findall("<id:[a-z_]+>", route):
            address = re.sub("<id:[a-z_]+>", "x", route.replace(place, bad))
            if bad == "a%2Fb" and route == "/users/<id:user_id>/mail/<id:folder>/" and "folder" in place:
                continue  # a server decodes it before us: it is the address of mail b in folder a
            if bad == "" and place == "<id:user_id>" and route == "/users/<id:user_id>/":
                continue  # //: the list
            with subtests.test(address[:200]):
                gateway.asked.clear()
                answer = victim.get(address)
                assert answer.status_code == 404
                assert b"<h1>Not found</h1>" in answer.content
                assert gateway.asked == []
