"""Forms over records: what is sent, what is kept, what is shown when two people change the same, and what never comes back."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django import forms
from django.core.validators import RegexValidator
from django.db import connections
from django.template.loader import render_to_string
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from portal.api.client import Client
from portal.api.errors import NotFound, SignedOut
from portal.api.operation import Operation
from portal.audit.models import Entry, Result
from portal.session import Person
from portal.ui import screens
from portal.ui.fields import (
    DomainField,
    HostField,
    KnownField,
    KnownListField,
    LinesField,
    NetworksField,
    SecretField,
    SwitchField,
)
from portal.ui.forms import PortalForm
from portal.ui.known import Known, known
from tests.shown import Form, find, form as form_of

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = Operation("changeThing", "PATCH", "/things/{thingId}")
RECORD: dict[str, Any] = {
    "name": "old", "note": "one\ntwo", "on": True, "kind": "A", "lines": ["x", "y"], "size": 5, "owner": "c1", "many": ["p1", "p9"],
}
Answer = Callable[[httpx.Request], httpx.Response]


class Thing(PortalForm):
    name = forms.CharField(label="Name")
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)
    on = SwitchField(label="On")
    kind = forms.ChoiceField(label="Kind", choices=[("A", "first"), ("B", "second")])
    lines = LinesField(label="Lines", required=False)
    size = forms.IntegerField(label="Size", required=False, max_value=100)
    owner = KnownField(label="Owner", required=False)
    many = KnownListField(label="Many", required=False)
    password = SecretField(label="Password", required=False)
    GROUPS = (("Main menu", "what it is", ("name", "absent")), ("Nothing", "", ("absent",)))
    PLACES: ClassVar[dict[str, str]] = {"parts.name": "note"}

    def __init__(self, request: Any, record: Any = None, **kwargs: Any) -> None:
        super().__init__(request, record, **kwargs)
        self.fields["owner"].knows({"c1": "Nordwind", "c2": "Alpenmilch", "c3": "Twin", "c4": "twin"})
        self.fields["many"].knows({"p1": "Mailversand", "p2": "Zweiter"})


class Desk:
    """Somebody's browser in front of forms: `asks` is what the gateway got, `answers` what it says."""

    def __init__(self) -> None:
        self.asks: list[httpx.Request] = []
        self.answers: Answer = lambda request: httpx.Response(204)

    def request(self, data: dict[str, Any] | None = None, address: str = "/things/1/") -> Any:
        def gateway(request: httpx.Request) -> httpx.Response:
            self.asks.append(request)
            return self.answers(request)

        request: Any = RequestFactory().get(address) if data is None else RequestFactory().post(address, data)
        request.person = Person("somebody", "owner", None)
        request.api = Client(httpx.MockTransport(gateway), "https://gateway.example", "a-token")
        request.session = type("Session", (dict,), {"modified": False})()
        return request

    def shows(self, record: dict[str, Any]) -> dict[str, Any]:
        """What a browser would post of a form that was just opened: nothing was touched."""
        form = Thing(self.request(), record)
        return {**posted(form), "carried": form.carried}

    def sends(self, data: dict[str, Any], record: dict[str, Any]) -> tuple[Thing, bool]:
        """The form after a POST, and whether it was done."""
        form = Thing(self.request(data), record)
        return form, form.is_valid() and form.submit(CHANGE, target="thing", taken="name", json=form.changed(), ids={"thingId": "1"})

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.asks]


def posted(form: forms.Form) -> Form:
    return form_of("".join(str(field) for field in form))


def rendered(form: forms.Form) -> str:
    return "".join(str(field.as_field_group()) for field in form.visible_fields())


@pytest.fixture
def desk() -> Desk:
    return Desk()


# What is sent.

def test_a_form_that_nobody_touched_changes_nothing(desk: Desk) -> None:
    form = Thing(desk.request(desk.shows(RECORD)), RECORD)
    assert form.is_valid(), form.errors
    assert form.changed() == {}


@pytest.mark.parametrize("value", [None, ""])
def test_a_record_of_nothings_is_no_change_either(value: str | None, desk: Desk) -> None:
    record = {**dict.fromkeys(RECORD, value), "name": "old"}
    form = Thing(desk.request(desk.shows(record)), record)
    assert form.is_valid(), form.errors
    assert form.changed() == {}


@pytest.mark.parametrize(("field", "typed", "sent"), [
    ("name", ["new"], "new"), ("note", [""], ""), ("note", ["a\r\nb"], "a\nb"), ("on", [], False), ("kind", ["B"], "B"),
    ("lines", ["y\r\nz"], ["y", "z"]), ("lines", [""], []), ("size", ["7"], 7), ("size", [""], None), ("owner", ["c2"], "c2"),
    ("owner", ["alpenMILCH"], "c2"), ("owner", ["Alpenmilch · c2"], "c2"), ("owner", ["an-id-of-somebody"], "an-id-of-somebody"),
    ("many", ["p1", "p2", "p7, p8"], ["p1", "p2", "p7", "p8"]), ("many", [""], []), ("password", ["s3cret"], "s3cret"),
])
def test_only_what_changed_is_sent(field: str, typed: list[str], sent: Any, desk: Desk) -> None:
    _form, done = desk.sends({**desk.shows(RECORD), field: typed}, RECORD)
    assert done
    assert desk.bodies == [{field: sent}]


def test_the_same_lines_in_another_order_are_the_same(desk: Desk) -> None:
    form = Thing(desk.request({**desk.shows(RECORD), "lines": "y\r\nx\r\ny", "many": ["p9", "p1"]}), RECORD)
    assert form.is_valid()
    assert form.changed() == {}


def test_a_choice_that_is_new_to_us_is_shown_and_stays(desk: Desk) -> None:
    record = {**RECORD, "kind": "<b>FROZEN</b>"}
    form = Thing(desk.request(), record)
    assert '<option value="&lt;b&gt;FROZEN&lt;/b&gt;" selected>' in str(form["kind"])
    form = Thing(desk.request(desk.shows(record)), record)
    assert form.is_valid() and form.changed() == {}


# Secrets.

def test_a_secret_is_never_shown_and_never_seen(desk: Desk) -> None:
    secret = "correct horse"
    form = Thing(desk.request({**desk.shows(RECORD), "password": secret, "size": "1000"}), RECORD)
    assert not form.is_valid()
    assert secret not in form.as_p() and secret not in str(form["password"])
    form = Thing(desk.request(address=f"/things/1/?password={secret}&typed=1"), RECORD)
    assert secret not in form.as_p()


def test_an_empty_secret_means_that_it_stays(desk: Desk) -> None:
    form = Thing(desk.request({**desk.shows(RECORD), "password": "", "name": "new"}), RECORD)
    assert form.is_valid()
    assert form.changed() == {"name": "new"}


# Two people.

def test_both_values_are_shown_when_two_people_change_the_same(desk: Desk) -> None:
    mine = {**desk.shows(RECORD), "name": "mine", "kind": "B", "many": ["p2"]}
    theirs = {**RECORD, "name": "theirs", "many": ["p1"]}
    form, done = desk.sends(mine, theirs)
    assert not done and desk.asks == []
    assert form.status == 409
    assert [(one.label, one.now, one.typed) for one in form.overtaken] == [
        ("Name", "theirs", "mine"), ("Many", "Mailversand", "Zweiter"),
    ]
    again, done = desk.sends(posted(form), theirs)
    assert done, again.errors
    assert desk.bodies == [{"name": "mine", "kind": "B", "many": ["p2"]}]


def test_a_page_that_comes_back_tells_what_the_person_saw_where_they_changed_it(desk: Desk) -> None:
    typed = {"name": "new", "size": "1000", "on": [], "kind": "B", "lines": "y\r\nx", "many": ["p1", "p2", ""], "password": "s3cret"}
    form, done = desk.sends({**desk.shows(RECORD), **typed}, RECORD)
    assert not done and form.status == 422
    assert form.before == {"name": "old", "size": "5", "on": "on", "kind": "A", "many": "p1, p9"}
    rows = {row.attributes["data-label"]: row.attributes.get("data-seen") for row in find(rendered(form), ".field.changed")}
    assert rows == {"Name": "old", "On": "on", "Kind": "A", "Size": "5", "Many": "p1, p9"}
    assert find(rendered(Thing(desk.request(), RECORD)), ".changed, [data-seen]") == []


def test_after_somebody_elses_change_it_is_told_against_what_is_there_now(desk: Desk) -> None:
    form, _done = desk.sends({**desk.shows(RECORD), "name": "mine"}, {**RECORD, "name": "theirs", "note": "theirs"})
    assert form.status == 409
    assert form.before == {"name": "theirs"}


def test_what_an_address_filled_in_is_a_change_and_a_new_thing_has_none(desk: Desk) -> None:
    assert Thing(desk.request(address="/things/1/?name=other&kind=A"), RECORD).before == {"name": "old"}
    assert Thing(desk.request(address="/things/1/?unknown=1"), RECORD).before == {}
    new = Thing(desk.request({"name": "x", "kind": "A", "size": "1000"}))
    assert not new.is_valid() and new.before == {}


@pytest.mark.parametrize(("field", "theirs"), [
    ("note", "of somebody else"), ("on", False), ("on", None), ("kind", "B"), ("lines", ["theirs"]), ("lines", []), ("size", 9), ("size", 0),
    ("size", None), ("owner", "c2"), ("many", ["p2", "p7"]), ("many", []),
])
def test_saving_a_second_time_leaves_what_somebody_else_changed_beside_it(field: str, theirs: Any, desk: Desk) -> None:
    mine, now = {**desk.shows(RECORD), "name": "mine"}, {**RECORD, "name": "theirs", field: theirs}
    form, done = desk.sends(mine, now)
    assert not done
    _form, done = desk.sends(posted(form), now)
    assert done
    assert desk.bodies == [{"name": "mine"}]


def test_after_a_refusal_somebody_elses_change_is_left_alone_too(desk: Desk) -> None:
    mine, now = {**desk.shows(RECORD), "name": "mine"}, {**RECORD, "note": "theirs"}
    desk.answers = lambda request: httpx.Response(422, json={"fields": {"name": "taken"}})
    form, done = desk.sends(mine, now)
    assert not done
    desk.answers = lambda request: httpx.Response(204)
    assert desk.sends(posted(form), now)[1]
    assert desk.bodies[-1] == {"name": "mine"}


def test_what_only_somebody_else_changed_is_told(desk: Desk) -> None:
    form, done = desk.sends({**desk.shows(RECORD), "name": "mine"}, {**RECORD, "note": "theirs", "size": 6})
    assert done
    assert desk.bodies == [{"name": "mine"}]
    assert form.meanwhile() == ["Note", "Size"]


def test_two_people_who_want_the_same_do_not_quarrel(desk: Desk) -> None:
    form, _done = desk.sends({**desk.shows(RECORD), "name": "same"}, {**RECORD, "name": "same"})
    assert form.overtaken == []


@pytest.mark.parametrize("seen", [
    "", "[", "[" * 100_000, "null", "7", '"text"', "[]", "9" * 5000, '{"name": NaN}', '{"name": {"deep": [1]}}', '{"once": "x"}',
    '{"lines": [[[]]]}', '{"password": "x", "nobody": 1}', "\x00", "<script>", '{"name": "\\ud800"}', "x" * 200_000,
    '{"on": "no"}', '{"many": {"a": 1}}', '{"size": 1e999}',
])
def test_a_forged_memory_of_what_was_seen_breaks_nothing(seen: str, desk: Desk) -> None:
    form = Thing(desk.request({**desk.shows(RECORD), "seen": seen, "name": "new"}), RECORD)
    form.is_valid()
    assert "<script>" not in form.as_p()
    if form.is_valid():
        assert form.changed()["name"] == "new"
        assert set(form.changed()) <= set(RECORD)


# Refusals.

def test_a_refusal_lands_on_the_fields_it_is_about(desk: Desk) -> None:
    fields = {"name": "No <b>.", "lines[3]": "bad", "parts[0].name": "other", "deep.size": "big", "seen": "x", "zebra": "odd"}
    desk.answers = lambda request: httpx.Response(422, json={"message": "No <i>way</i>.", "fields": fields})
    form, done = desk.sends({**desk.shows(RECORD), "name": "new"}, RECORD)
    assert not done and form.status == 422
    assert (form.errors["name"], form.errors["lines"], form.errors["note"], form.errors["size"]) == (["No <b>."], ["bad"], ["other"], ["big"])
    on_top = " ".join(form.non_field_errors())
    assert "zebra: odd" in on_top and "seen: x" in on_top and "No <i>way</i>." in on_top
    assert "<b>" not in form.as_p() and "<i>" not in form.as_p()
    assert 'value="new"' in str(form["name"])


@pytest.mark.parametrize(("answer", "status", "told"), [
    (lambda request: httpx.Response(403, json={"message": "not you"}), 403, "not you"),
    (lambda request: httpx.Response(400), 422, "Refused"),
    (lambda request: httpx.Response(412), 412, "Not possible"),
    (lambda request: httpx.Response(429, headers={"Retry-After": "9"}), 429, "wait 9 seconds"),
    (lambda request: httpx.Response(500), 502, "Check the current state before you repeat it."),
    (lambda request: httpx.Response(200, html="<html>"), 502, "Check the current state before you repeat it."),
])
def test_other_refusals_stand_on_top_and_all_input_is_kept(answer: Answer, status: int, told: str, desk: Desk) -> None:
    desk.answers = answer
    form, done = desk.sends({**desk.shows(RECORD), "name": "new", "note": "typed"}, RECORD)
    assert not done and form.status == status
    assert told in " ".join(form.non_field_errors())
    assert 'value="new"' in str(form["name"]) and "typed</textarea>" in str(form["note"])
    assert form.refusal is not None


def test_a_name_that_is_taken_is_said_at_the_name(desk: Desk) -> None:
    desk.answers = lambda request: httpx.Response(409, json={"message": "There already."})
    form, _done = desk.sends({**desk.shows(RECORD), "name": "new"}, RECORD)
    assert form.errors == {"name": ["There already."]} and form.status == 409


@pytest.mark.parametrize(("code", "error"), [(401, SignedOut), (404, NotFound)])
def test_what_no_form_can_mend_is_raised(code: int, error: type[Exception], desk: Desk) -> None:
    desk.answers = lambda request: httpx.Response(code)
    with pytest.raises(error):
        desk.sends({**desk.shows(RECORD), "name": "new"}, RECORD)


# Double clicks.

def test_two_clicks_are_one_write_and_both_are_told_that_it_is_done(desk: Desk) -> None:
    data = {**desk.shows(RECORD), "name": "new"}

    def click(_n: int) -> bool:
        try:
            return bool(desk.sends(data, RECORD)[1])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as clicks:
        assert list(clicks.map(click, range(2))) == [True, True]
    assert len(desk.asks) == 1


def test_the_second_click_on_a_refused_form_says_why(desk: Desk) -> None:
    desk.answers = lambda request: httpx.Response(422, json={"fields": {"name": "no"}})
    data = {**desk.shows(RECORD), "name": "new"}
    Entry.objects.all().delete()

    def click(_n: int) -> Any:
        try:
            return desk.sends(data, RECORD)[0].errors["name"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as clicks:
        assert list(clicks.map(click, range(2))) == [["no"], ["no"]]
    assert set(Entry.objects.values_list("result", flat=True)) == {Result.REFUSED}


def test_after_an_unclear_end_a_second_click_warns_and_the_form_can_be_sent_again(desk: Desk) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    desk.answers = silent
    data = {**desk.shows(RECORD), "name": "new"}
    desk.sends(data, RECORD)
    form, done = desk.sends(data, RECORD)
    assert not done and form.status == 409 and len(desk.asks) == 1
    assert "its result is unknown" in form.non_field_errors()[0]
    desk.answers = lambda request: httpx.Response(204)
    assert desk.sends(posted(form), RECORD)[1]
    assert len(desk.asks) == 2


def test_the_same_page_sent_once_more_with_something_else_is_another_change(desk: Desk) -> None:
    """A browser's way back shows the old page again: what is changed there then is no second click."""
    page = desk.shows(RECORD)
    for sent in ({"name": "first"}, {"name": "first"}, {"name": "first", "size": "7"}):
        assert desk.sends({**page, **sent}, {**RECORD, "name": "first"} if desk.asks else RECORD)[1]
    assert desk.bodies == [{"name": "first"}, {"name": "first", "size": 7}]


def test_a_forged_memory_shows_no_secret(desk: Desk) -> None:
    form, _done = desk.sends({**desk.shows(RECORD), "seen": json.dumps({**RECORD, "password": "x"}), "password": "s3cret"}, RECORD)
    assert "s3cret" not in str([form.overtaken, form.errors])


# Signing in again.

def test_what_was_typed_is_there_again_after_signing_in_but_for_secrets(desk: Desk) -> None:
    data = {**desk.shows(RECORD), "name": "typed <b>", "on": [], "many": ["p2", "p8, p9"], "lines": "a\r\nb", "password": "s3cret"}
    away = screens.session_over(desk.request(data))["Location"]
    assert "s3cret" not in away
    back = parse_qs(urlsplit(away).query)["next"][0]
    form = Thing(desk.request(address=back), RECORD)
    again = posted(form)
    assert (again["name"], again["lines"], again["many"]) == ("typed <b>", "a\r\nb", ["p2", "p8, p9"])
    assert "on" not in again and again["password"] == ""
    assert desk.sends(again, RECORD)[1]
    assert desk.bodies == [{"name": "typed <b>", "on": False, "lines": ["a", "b"], "many": ["p2", "p8", "p9"]}]


def test_a_private_key_in_the_wrong_box_does_not_go_into_the_address(desk: Desk) -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\r\nMHcCAQEEIA\r\n-----END EC PRIVATE KEY-----"
    away = screens.session_over(desk.request({**desk.shows(RECORD), "name": "kept", "note": key}))["Location"]
    assert "kept" in away
    assert "MHcCAQEEIA" not in away


class Letter(PortalForm):
    subject = forms.CharField()
    body = forms.CharField(widget=forms.Textarea)
    body.private = True  # type: ignore[attr-defined]
    pin = SecretField(rows=3)


@pytest.mark.parametrize("names", [None, "", "subject"])
def test_only_what_a_form_names_goes_into_the_address(names: str | None, desk: Desk) -> None:
    assert Letter(desk.request()).carried == "subject"
    typed = {"subject": "Hello", "body": "Dear Anna", "pin": "1234", "unknown": "x", **({} if names is None else {"carried": names})}
    away = screens.session_over(desk.request(typed))["Location"]
    assert ("Hello" in away) == bool(names)
    assert not any(text in away for text in ("Dear", "1234", "unknown"))


def test_the_text_of_a_message_comes_back_to_the_page_and_a_secret_does_not(desk: Desk) -> None:
    form = Letter(desk.request({"subject": "", "body": "Dear Anna", "pin": "1234"}))
    assert not form.is_valid()
    assert "Dear Anna" in form.as_p() and "1234" not in form.as_p()
    address = desk.request(address="/?subject=Hello&body=Dear&pin=1234&typed=1")
    assert "Hello" in Letter(address).as_p() and "Dear" not in Letter(address).as_p() and "1234" not in Letter(address).as_p()


def test_the_way_back_keeps_a_slash_in_an_id(desk: Desk) -> None:
    away = screens.session_over(desk.request({"name": "x", "carried": "name"}, "/things/a%252Fb/"))["Location"]
    assert parse_qs(urlsplit(away).query)["next"][0].startswith("/things/a%252Fb/?")


def test_an_address_that_is_none_leads_home() -> None:
    request: Any = RequestFactory().get("/things/1/", headers={"HX-Request": "true", "HX-Current-URL": "http://["})
    HtmxMiddleware(lambda asked: screens.session_over(asked))(request)
    assert screens.session_over(request)["HX-Redirect"] == "/sign-in/?"


def test_a_link_may_propose_values_and_changes_no_box(desk: Desk) -> None:
    again = posted(Thing(desk.request(address="/things/1/?name=proposed&seen=x&once=y"), RECORD))
    assert again["name"] == "proposed" and again["on"] == "on"
    assert again["once"] != "y" and json.loads(again["seen"])["name"] == "old"


# Fields.

def test_a_form_that_the_address_filled_in_says_so(desk: Desk) -> None:
    told = "This form was prefilled, from a link or from what you typed before signing in."
    for address, filled in (("/?unknown=1", False), ("/?name=evil.example", True), ("/?typed=1", True)):
        page = render_to_string("_form.html", {"form": Thing(desk.request(address=address), RECORD)})
        assert (told in page) == filled


def test_groups_show_every_field_once_and_no_empty_heading(desk: Desk) -> None:
    groups = Thing(desk.request(), RECORD).groups()
    assert [group.title for group in groups] == ["Main menu", ""]
    names = [field.name for group in groups for field in group.fields]
    assert sorted(names) == sorted([*RECORD, "password"])


class Fields(forms.Form):
    few = LinesField(validators=[RegexValidator(r"^\w+$", "is odd")])
    domain = DomainField(required=False)
    host = HostField(required=False)
    nets = NetworksField(required=False)


@pytest.mark.parametrize(("typed", "values"), [
    ("a\r\nb", ["a", "b"]), ("a, b,,\n\n c ", ["a", "b", "c"]), ("a\na", ["a"]), ("\n".join(f"n{n}" for n in range(5000)), None),
])
def test_lines_are_a_list_of_texts_each_once(typed: str, values: list[str] | None) -> None:
    form = Fields({"few": typed})
    assert form.is_valid()
    assert form.cleaned_data["few"] == (values or [f"n{n}" for n in range(5000)])


@pytest.mark.parametrize("typed", ["", " \n , \n", "\r\n"])
def test_no_lines_at_all_are_told_where_some_are_wanted(typed: str) -> None:
    assert "required" in Fields({"few": typed}).errors["few"][0]


def test_odd_lines_are_named_and_a_thousand_of_them_are_not_all_listed() -> None:
    form = Fields({"few": "good\nb d\n" + "\n".join(f"x y{n}" for n in range(1000)) + "\n" + "z " * 500})
    assert form.errors["few"][0] == "b d: is odd"
    assert len(form.errors["few"]) == 10
    assert all(len(problem) < 120 for problem in form.errors["few"])


def test_names_and_networks_are_checked_and_mended() -> None:
    form = Fields({"few": "a", "domain": "München.example.", "host": "[2001:DB8::1]", "nets": "192.0.2.7\n192.0.2.7/32\n10.0.0.0/8"})
    assert form.is_valid(), form.errors
    assert (form.cleaned_data["domain"], form.cleaned_data["host"]) == ("xn--mnchen-3ya.example", "2001:db8::1")
    assert form.cleaned_data["nets"] == ["192.0.2.7/32", "10.0.0.0/8"]
    form = Fields({"few": "a", "domain": "a_b.example", "host": "a b", "nets": "192.0.2.9/24\nnonsense"})
    assert set(form.errors) == {"domain", "host", "nets"}
    assert form.errors["nets"][0].startswith("192.0.2.9/24: an address inside the network 192.0.2.0/24")
    assert form.errors["nets"][1].startswith("nonsense: not a network")


def test_what_is_there_already_may_stay_whatever_it_is() -> None:
    form = Fields({"few": "a", "domain": "a_b.example", "nets": "192.0.2.9/24\n192.0.2.0/25"})
    form.fields["domain"].kept, form.fields["nets"].kept = "a_b.example", ["192.0.2.9/24"]
    assert form.is_valid(), form.errors
    assert form.cleaned_data["nets"] == ["192.0.2.9/24", "192.0.2.0/25"]


def test_an_id_is_proposed_by_its_name(desk: Desk) -> None:
    form = Thing(desk.request(), RECORD)
    assert 'value="Nordwind · c1"' in str(form["owner"])
    assert '<option value="Alpenmilch · c2">' in str(form["owner"])
    boxes = find(str(form["many"]), "[type=checkbox][name=many]")
    assert [(box.attributes["value"], "checked" in box.attributes) for box in boxes] == [("p1", True), ("p2", False)]
    assert 'value="p9"' in str(form["many"])  # what nobody knows a name of stands in the line for others


def test_a_name_that_several_have_is_not_guessed(desk: Desk) -> None:
    form, done = desk.sends({**desk.shows(RECORD), "owner": "TWIN"}, RECORD)
    assert not done and "Several have this name" in form.errors["owner"][0]


def test_hostile_names_are_shown_as_text(desk: Desk) -> None:
    form = Thing(desk.request(), {**RECORD, "owner": "c9", "many": ["<i>"]})
    form.fields["owner"].knows({"c9": "<script>alert(1)</script>"})
    form.fields["many"].knows({"p1": '"><script>'})
    assert "<script>" not in str(form["owner"]) + str(form["many"]) and "<i>" not in str(form["many"])


# What is known.

def domain(**more: Any) -> dict[str, Any]:
    return {"id": "d", "name": "x.example", **more}


def test_customers_and_providers_are_offered_from_ones_own_domains(desk: Desk) -> None:
    rows = [
        domain(customer={"id": "c2", "name": "zeta"}, outgoingProviders=[{"id": 7, "name": None}, {"id": None, "name": "x"}]),
        domain(customer={"id": "c1", "name": "Alpha"}, platforms=[{"id": "r1", "name": "relay"}]), domain(customer=None), domain(),
        domain(customer={"id": "c1", "name": "Alpha"}, outgoingProviders=None),
    ]
    desk.answers = lambda request: httpx.Response(200, json=rows, headers={"X-Total-Count": "5"})
    found = known(desk.request().api)
    assert (list(found.customers.items()), found.providers, found.relays) == (
        [("c1", "Alpha"), ("c2", "zeta")], {"7": "7"}, {"r1": "relay"},
    )
    assert len(desk.asks) == 1


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_nothing_is_offered_where_the_list_fails_and_a_form_works_without(status: int, desk: Desk) -> None:
    desk.answers = lambda request: httpx.Response(status)
    assert known(desk.request().api) == Known({}, {}, {})


def test_a_session_that_is_over_is_not_hidden(desk: Desk) -> None:
    desk.answers = lambda request: httpx.Response(401)
    with pytest.raises(SignedOut):
        known(desk.request().api)
