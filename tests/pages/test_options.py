"""The options of a domain: a control for each type, what is set here against what is inherited, and the way back."""

import json
from typing import Any

import httpx
import pytest
from django.test import Client
from selectolax.lexbor import LexborNode

from portal.audit.models import Entry
from sandbox.models import Domain, OptionValue
from tests.conftest import Gateway
from tests.shown import attribute, find, form, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])


def page(name: str = "nordwind.example") -> str:
    return f"/domains/{Domain.objects.get(name=name).uid}/options/"


def set_here(name: str) -> str | None:
    """What the gateway has for the domain itself."""
    key = str(Domain.objects.get(name="nordwind.example").pk)
    return OptionValue.objects.filter(scope="DOMAIN", key=key, name=name).values_list("value", flat=True).first()


def save(browser: Client, option: str, follow: bool = True, **changes: Any) -> Any:
    where = page()
    paper = form(browser.get(where), action=f"/options/{option}/")
    return browser.post(f"{where}{option}/", paper.filled(**changes), follow=follow)


def row(answer: Any, option: str, status: int = 200) -> LexborNode:
    """The form of one option."""
    (found,) = (form for form in find(answer, "form.option", status) if option in [text(code) for code in find(form, "code")])
    return found


def test_each_option_has_the_control_of_its_type(as_admin: Client) -> None:
    shown = as_admin.get(page())
    for option, control in {
        "APP_COLOR": "[type=color]", "DOMAIN_ADMIN": "[type=email]", "REPORT_ON": "[type=checkbox]", "REPORT_FREQUENCY": "select",
        "APP_HELP": "[type=url]", "TIME_ZONE": "[list=zones]", "REPORT_FOOTER": "textarea", "APP_URL": "[type=text]",
    }.items():
        assert one(row(shown, option), control)
        assert "inherited" in text(row(shown, option))
        assert "Set here" in text(row(shown, option))
        assert "Use inherited" not in source(row(shown, option))
    assert one(shown, "#zones option[value='Europe/Zurich']")
    assert [title for title in map(text, find(shown, "h2")) if title in ("Application", "Mail", "Report")] == ["Application", "Mail", "Report"]


@pytest.mark.parametrize(("option", "typed", "sent"), [
    ("APP_COLOR", {"value": "#00FF00"}, "#00FF00"), ("APP_COLOR", {"picked": "#0000ff"}, "#0000ff"),
    ("DOMAIN_ADMIN", {"value": "post@nordwind.example"}, "post@nordwind.example"), ("REPORT_ON", {"value": None}, "false"),
    ("REPORT_FREQUENCY", {"value": "WEEKLY"}, "WEEKLY"), ("APP_HELP", {"value": "https://hilfe.example/x?y=1"}, "https://hilfe.example/x?y=1"),
    ("TIME_ZONE", {"value": "Asia/Tokyo"}, "Asia/Tokyo"), ("REPORT_FOOTER", {"value": "eins\r\nzwei"}, "eins\nzwei"),
    ("APP_URL", {"value": "mail.example.com"}, "mail.example.com"),
])
def test_a_value_that_is_typed_is_set_for_the_domain(option: str, typed: dict[str, Any], sent: str, as_admin: Client) -> None:
    shown = save(as_admin, option, **typed)
    assert set_here(option) == sent
    assert f"Setting {option} was saved." in text(shown)
    assert "set here" in text(row(shown, option))
    assert "Inherited:" in text(row(shown, option))
    entry = Entry.objects.get()
    assert (entry.operation, entry.target, entry.result) == ("setDomainOption", f"nordwind.example: {option}", "done")


def test_a_switch_keeps_to_the_spelling_that_is_there(as_admin: Client) -> None:
    OptionValue.objects.create(scope="DOMAIN", key=str(Domain.objects.get(name="nordwind.example").pk), name="REPORT_ON", value="0")
    assert "Inherited: on" in text(row(as_admin.get(page()), "REPORT_ON"))
    save(as_admin, "REPORT_ON", value="on")
    assert set_here("REPORT_ON") == "1"


def test_an_inherited_value_can_be_fixed_as_it_is(as_admin: Client) -> None:
    save(as_admin, "TIME_ZONE")
    assert set_here("TIME_ZONE") == "Europe/Zurich"


def test_an_empty_value_takes_the_place_of_the_inherited_one(as_admin: Client) -> None:
    save(as_admin, "REPORT_FOOTER", value="Gruss")
    save(as_admin, "REPORT_FOOTER", value="")
    assert set_here("REPORT_FOOTER") == ""
    assert "set here" in text(row(as_admin.get(page()), "REPORT_FOOTER"))


def test_saving_without_a_change_asks_nothing_of_the_gateway(as_admin: Client) -> None:
    save(as_admin, "APP_COLOR", value="#00ff00")
    assert "Nothing was changed." in text(save(as_admin, "APP_COLOR"))
    assert Entry.objects.count() == 1


def test_reset_brings_the_inherited_value_back_and_tells_what_it_was(as_admin: Client) -> None:
    save(as_admin, "APP_HELP", value="https://hilfe.example/")
    where = page()
    paper = form(as_admin.get(where), action="/options/APP_HELP/")
    shown = as_admin.post(f"{where}APP_HELP/reset/", paper.filled(), follow=True)
    assert set_here("APP_HELP") is None
    assert "APP_HELP was reset to inherited. Previous value: https://hilfe.example/" in text(shown)
    assert "Use inherited" not in source(row(shown, "APP_HELP"))


def test_a_reset_that_is_opened_as_a_page_asks_first(as_admin: Client) -> None:
    save(as_admin, "APP_HELP", value="https://hilfe.example/")
    asked = as_admin.get(f"{page()}APP_HELP/reset/")
    assert "Set here: https://hilfe.example/" in text(asked)
    assert "Inherited value that will apply: https://help.gateway.example/" in text(asked)
    assert set_here("APP_HELP") == "https://hilfe.example/"
    as_admin.post(f"{page()}APP_HELP/reset/", form(asked).filled())
    assert set_here("APP_HELP") is None


@pytest.mark.parametrize(("option", "typed", "said"), [
    ("APP_COLOR", "grün!", "Enter a colour such as #1f5f8b."), ("DOMAIN_ADMIN", "nobody", "Enter a valid email address."),
    ("APP_HELP", "javascript:alert(1)", "Enter a web address that begins with https://."),
    ("TIME_ZONE", "Europe/Olten", "Enter a time zone such as Europe/Zurich."),
    ("APP_URL", "two words", "Enter a host name such as mail.example.com."), ("REPORT_FREQUENCY", "HOURLY", "Select a valid choice."),
    ("REPORT_FOOTER", "a\0b", "Null characters are not allowed."), ("REPORT_FOOTER", "x" * 10_001, "has at most 10000 characters"),
])
def test_a_value_of_another_type_is_refused_and_kept_in_its_field(option: str, typed: str, said: str, as_admin: Client) -> None:
    shown = save(as_admin, option, value=typed)
    assert said in text(shown, 422)
    assert "Not saved." not in source(shown, 422)  # the field says it, and there is no other
    assert set_here(option) is None
    if option != "REPORT_FREQUENCY":
        assert typed in source(shown, 422)


def test_what_only_the_gateway_knows_to_be_wrong_is_told_at_the_field(as_admin: Client) -> None:
    shown = save(as_admin, "DOMAIN_ADMIN", value="")
    assert [text(problem) for problem in find(shown, "p.problem", 422)] == ["not of type EMAIL"]
    assert Entry.objects.get().result == "refused"


def test_a_restricted_option_is_locked_for_all_but_system_administrators(as_customer: Client, as_admin: Client) -> None:
    locked = row(as_customer.get(page()), "APP_URL")
    assert "Only a system administrator can change this." in text(locked)
    assert find(locked, "[name=value], button") == []
    assert one(row(as_admin.get(page()), "APP_URL"), "[name=value]")
    answer = as_customer.post(f"{page()}APP_URL/", {"value": "mail.example.com"})
    assert "if the setting is restricted, only a system administrator." in text(answer, 403)
    assert set_here("APP_URL") is None
    reset = as_customer.post(f"{page()}APP_URL/reset/")
    assert "Your account cannot do this: reset a setting of a domain." in text(reset, 403)


def test_somebody_who_may_only_look_is_told_who_may_change(as_helpdesk: Client) -> None:
    shown = save(as_helpdesk, "TIME_ZONE", value="Asia/Tokyo")
    assert "Your account cannot do this: change a setting of a domain. An administrator of the domain can" in text(shown, 403)
    assert form(shown, action="/options/TIME_ZONE/")["value"] == "Asia/Tokyo"


def test_a_double_click_sets_once(as_admin: Client) -> None:
    where = page()
    sent = form(as_admin.get(where), action="/options/TIME_ZONE/").filled(value="Asia/Tokyo")
    for _click in range(2):
        assert as_admin.post(f"{where}TIME_ZONE/", sent).status_code == 302
    assert Entry.objects.count() == 1


def test_two_windows_show_both_values_before_one_is_lost(as_admin: Client, as_customer: Client) -> None:
    where = page()
    mine = form(as_admin.get(where), action="/options/TIME_ZONE/").filled(value="Asia/Tokyo")
    save(as_customer, "TIME_ZONE", value="Europe/Oslo")
    shown = as_admin.post(f"{where}TIME_ZONE/", mine)
    assert "Someone else has since changed this." in text(shown, 409)
    assert "Europe/Oslo Asia/Tokyo" in text(shown, 409)
    assert set_here("TIME_ZONE") == "Europe/Oslo"
    as_admin.post(f"{where}TIME_ZONE/", form(shown).filled())
    assert set_here("TIME_ZONE") == "Asia/Tokyo"


def test_fixing_what_one_saw_does_not_undo_what_somebody_else_set_meanwhile(as_admin: Client, as_customer: Client) -> None:
    where = page()
    mine = form(as_admin.get(where), action="/options/TIME_ZONE/").filled()
    save(as_customer, "TIME_ZONE", value="Europe/Oslo")
    as_admin.post(f"{where}TIME_ZONE/", mine)
    assert set_here("TIME_ZONE") == "Europe/Oslo"


def test_htmx_gets_the_row_with_its_new_value_and_a_toast(as_admin: Client) -> None:
    where, headers = page(), {"HX-Request": "true", "HX-Target": "row-of-it"}
    sent = form(as_admin.get(where), action="/options/TIME_ZONE/").filled(value="Asia/Tokyo")
    shown = as_admin.post(f"{where}TIME_ZONE/", sent, headers=headers, follow=True)
    assert "<html" not in source(shown)
    assert attribute(one(shown, "form.option"), "[name=value]", "value") == "Asia/Tokyo"
    assert "Setting TIME_ZONE was saved." in text(one(shown, "[hx-swap-oob='beforeend:#toasts']"))
    wrong = as_admin.post(f"{where}TIME_ZONE/", {**sent, "value": "x"}, headers=headers)
    assert "Enter a time zone such as Europe/Zurich." in text(row(wrong, "TIME_ZONE", 422))


@pytest.mark.parametrize(("page", "field"), [("options/SMTP_PASSWORD/", "secret_value"), ("other-option/", "private_value")])
def test_a_gateway_that_quotes_a_secret_is_not_quoted(page: str, field: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    secret = 'a "secret" that nobody may see'

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(400, json={"message": f"Cannot read: {request.content.decode()}", "fields": {"value": secret}})
        if request.url.path.endswith("/options"):
            return httpx.Response(200, json=[{"option": {"name": "SMTP_PASSWORD", "type": "PASSWORD"}}])
        return httpx.Response(200, json={"id": "d1"})

    gateway.answer = answer
    where = f"/domains/d1/{page}"
    filled = form(browser_of_somebody.get(where), field).filled(**{field: secret, **({"name": "X"} if "other" in page else {})})
    refused = browser_of_somebody.post(where, filled)
    assert "nobody may see" not in source(refused, 422)
    assert "Cannot read" in Entry.objects.get().reason
    assert "nobody may see" not in Entry.objects.get().reason


def test_an_option_that_is_not_listed_can_be_set_by_its_name(as_admin: Client) -> None:
    where = page().replace("/options/", "/other-option/")
    shown = as_admin.post(where, form(as_admin.get(where)).filled(name="NO_SUCH_OPTION", private_value="x"))
    assert "no option of this scope" in [text(problem) for problem in find(shown, "p.problem", 422)]
    secret = "a secret that nobody may see"
    again = as_admin.post(where, form(as_admin.get(where)).filled(name="NO_SUCH_OPTION", private_value=secret))
    assert secret not in source(again, 422)
    listed = as_admin.post(where, form(as_admin.get(where)).filled(name="TIME_ZONE", private_value="x"))
    assert listed["Location"] == f"{page()}TIME_ZONE/"


def test_an_option_nobody_has_is_not_found(as_admin: Client) -> None:
    assert as_admin.get(f"{page()}NO_SUCH_OPTION/").status_code == 404
    assert as_admin.get(f"{page()}NO_SUCH_OPTION/reset/").status_code == 404


def test_an_address_fills_in_none_of_the_many_forms(as_admin: Client) -> None:
    answer = as_admin.get(f"{page()}?value=proposed&typed=1")
    assert (answer.status_code, answer["Location"]) == (302, page())


def test_an_end_user_gets_no_options(as_owner: Client) -> None:
    assert as_owner.get(page()).status_code == 403


# A gateway with other options than the sandbox's.

def gateway_with(gateway: Gateway, *options: dict[str, Any], elsewhere: str = "d1") -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return httpx.Response(204)
        if request.url.path == "/domains":
            return httpx.Response(200, json=[{"id": "d1"}, {"id": "d2"}, {"id": "d3"}])
        if request.url.path == "/domains/d3/options":
            return httpx.Response(500)
        if request.url.path.endswith("/options"):
            return httpx.Response(200, json=list(options) if request.url.path == f"/domains/{elsewhere}/options" else [])
        return httpx.Response(200, json={"id": "d1", "name": "nordwind.example"})

    gateway.answer = answer


def an_option(name: str, type: str, value: str | None = None, parent: str = "", **more: Any) -> dict[str, Any]:
    return {"value": value, "parentValue": parent, "option": {"name": name, "type": type, "restricted": False, **more}}


def written(gateway: Gateway) -> list[Any]:
    return [json.loads(request.content) for request in gateway.asked if request.method == "POST"]


@pytest.mark.parametrize("type", ["PASSWORD", "CREDENTIALS"])
def test_a_secret_never_reaches_a_page_and_an_empty_field_keeps_it(type: str, gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option("IMAP", type, "hunter2", "hunter1", description="Access to the mailbox"))
    for where in ("/domains/d1/options/", "/domains/d1/options/IMAP/", "/domains/d1/options/IMAP/reset/"):
        shown = browser_of_somebody.get(where)
        assert "hunter" not in source(shown)
        assert "Access to the mailbox" in text(shown) or "reset" in where
    where = "/domains/d1/options/IMAP/"
    kept = browser_of_somebody.post(where, form(browser_of_somebody.get(where)).filled())
    assert kept.status_code == 302
    assert written(gateway) == []
    browser_of_somebody.post(where, form(browser_of_somebody.get(where)).filled(secret_value="hunter3"))
    assert written(gateway) == [{"name": "IMAP", "value": "hunter3"}]
    assert "hunter" not in source(browser_of_somebody.get("/activity/"))
    back = browser_of_somebody.post(f"{where}reset/", {}, follow=True)
    assert "hunter" not in source(back)
    session = browser_of_somebody.session
    session["ends"] = 0
    session.save()
    over = browser_of_somebody.post(where, {"secret_value": "hunter4"})
    assert "hunter" not in over["Location"]


def test_a_secret_that_is_refused_is_not_sent_back_to_the_browser(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option("IMAP", "PASSWORD"))
    works = gateway.answer
    gateway.answer = lambda request: works(request) if request.method == "GET" else httpx.Response(422, json={"message": "too short"})
    shown = browser_of_somebody.post("/domains/d1/options/IMAP/", {"secret_value": "hunter2"})
    assert "too short" in text(shown, 422)
    assert "hunter2" not in source(shown, 422)


@pytest.mark.parametrize(("type", "value"), [
    ("LIST", "MONTHLY"), ("COLOR", "url(#x)"), ("EMAIL", "no address"), ("URL", "ftp://old.example"), ("TIMEZONE", "Mars/Olympus"),
    ("HOST", "a b"), ("BOOL", "perhaps"), ("NEWTYPE", "x y"), ("DOC", "a\nb"), ("STRING", "a\nb"),
])
def test_a_value_that_we_would_not_take_is_shown_and_can_stay(type: str, value: str, gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option("IT", type, value, "else", values=["DAILY"]))
    where = "/domains/d1/options/IT/"
    paper = form(browser_of_somebody.get(where))
    assert paper["value"].replace("\r\n", "\n") == value
    assert browser_of_somebody.post(where, paper.filled()).status_code == 302
    assert written(gateway) == []


def test_a_text_longer_than_any_that_is_typed_can_be_shortened(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option("IT", "DOC", "ü" * 60_000))
    paper = form(browser_of_somebody.get("/domains/d1/options/IT/"))
    assert paper["value"] == "ü" * 60_000
    assert browser_of_somebody.post("/domains/d1/options/IT/", paper.filled(value="ü" * 50_000)).status_code == 302
    assert written(gateway) == [{"name": "IT", "value": "ü" * 50_000}]


def test_a_present_value_outside_the_list_is_one_choice_more(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option("IT", "LIST", "MONTHLY", "DAILY", values=["DAILY"]))
    choices = find(browser_of_somebody.get("/domains/d1/options/"), "form.option option")
    assert [choice.attributes["value"] for choice in choices] == ["MONTHLY", "DAILY"]


def test_known_settings_and_values_have_our_words_and_unknown_ones_the_gateways(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option("DOMAIN_ADMIN", "EMAIL", "a@b.example"), an_option("NEW", "LIST", "DAILY", values=["DAILY", "HOURLY"]))
    shown = browser_of_somebody.get("/domains/d1/options/")
    assert [text(label) for label in find(shown, "form.option label[for]")] == ["Address of the domain's administrator", "NEW"]
    assert [text(choice) for choice in find(shown, "form.option option")] == ["Daily", "HOURLY"]
    assert len(find(browser_of_somebody.get("/domains/d1/options/?q=address of"), "form.option")) == 1


HOSTILE = '"><script>alert(1)</script>'


@pytest.mark.parametrize("type", [
    "STRING", "TEXT", "COLOR", "EMAIL", "BOOL", "URL", "LIST", "DOC", "TIMEZONE", "HOST", "CREDENTIALS", "PASSWORD", HOSTILE,
])
def test_no_control_lets_markup_through(type: str, gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option(HOSTILE, type, HOSTILE, HOSTILE, group=HOSTILE, description=HOSTILE, values=[HOSTILE]))
    shown = browser_of_somebody.get("/domains/d1/options/")
    assert "<script>alert" not in shown.content.decode()
    addresses = {str(form.attributes["action"]) for form in find(shown, "form[action^='/domains/']")}
    assert addresses
    for address in addresses:
        opened = browser_of_somebody.get(address)
        assert opened.status_code == 200
        assert "<script>alert" not in opened.content.decode()


def test_many_options_are_filtered_and_cut_and_the_page_says_so(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, *(an_option(f"OPTION_{n}", "STRING", description=f"The {n}th") for n in range(3_000)))
    shown = browser_of_somebody.get("/domains/d1/options/")
    assert len(find(shown, "form.option")) == 100
    assert "Showing the first 100 of 3000 settings." in text(shown)
    assert len(find(browser_of_somebody.get("/domains/d1/options/?q=THE 77th"), "form.option")) == 1
    assert len(find(browser_of_somebody.get("/domains/d1/options/?q=option_299"), "form.option")) == 11


def test_a_few_options_need_no_filter(as_admin: Client) -> None:
    assert "Part of the name or description" not in source(as_admin.get(page()))


def test_the_name_of_another_option_is_proposed_from_the_other_domains(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(
        gateway, an_option("RARE", "STRING"), an_option("ONLY_FOR_USERS", "STRING", domainScope=False), elsewhere="d2",
    )  # fmt: skip
    shown = browser_of_somebody.get("/domains/d1/other-option/")
    assert one(shown, "option[value=RARE]")
    assert "ONLY_FOR_USERS" not in source(shown)
    answer = browser_of_somebody.post(
        "/domains/d1/other-option/", form(browser_of_somebody.get("/domains/d1/other-option/")).filled(name="OTHER", private_value="")
    )
    assert answer.status_code == 302
    assert written(gateway) == [{"name": "OTHER", "value": ""}]


def test_options_that_fail_leave_the_head_of_the_domain(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway)
    works = gateway.answer
    gateway.answer = lambda request: httpx.Response(500) if request.url.path.endswith("/options") else works(request)
    shown = browser_of_somebody.get("/domains/d1/options/")
    assert text(one(shown, "h1")).startswith("nordwind.example")
    assert "The gateway failed" in [text(title) for title in find(shown, "h2")]


def test_nobody_knows_after_a_write_without_an_answer(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, an_option("IT", "STRING", "a"))
    works = gateway.answer

    def slow(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return works(request)
        raise httpx.ReadTimeout("too slow", request=request)

    gateway.answer = slow
    shown = browser_of_somebody.post("/domains/d1/options/IT/", {"value": "b", "once": "k"})
    assert "We do not know whether it happened" in text(shown, 504)
    assert Entry.objects.get().result == "unknown"
