"""Who may do what in a domain: its users with their own mailboxes, and its administrators."""

import json
from typing import Any

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from portal.audit.models import Entry
from sandbox.models import Account, Domain, Grant
from tests.conftest import Gateway
from tests.shown import attribute, find, form, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

NORDWIND = "nordwind.example"
NEW = {"login": "petra@nordwind.example", "displayName": "Petra Lüthi", "email": "petra@nordwind.example", "password": "made for a test"}


def of(rest: str = "", name: str = NORDWIND) -> str:
    return f"/domains/{Domain.objects.get(name=name).uid}/{rest}"


def may(permission: str) -> str:
    """The name of a switch."""
    return "may-" + permission.encode().hex()


def an_admin(login: str = "petra@nordwind.example", *permissions: str, domain: str = NORDWIND, **account: Any) -> Account:
    made, _new = Account.objects.get_or_create(login=login, defaults=account)
    scope = Domain.objects.get(name=domain).pk
    Grant.objects.create(account=made, scope_type="DOMAIN", scope_id=scope, permissions=list(permissions or ("USER_VIEW",)))
    return made


def held(login: str, domain: str = NORDWIND) -> list[str] | None:
    """What the gateway has for an administrator of the domain."""
    scope = Domain.objects.get(name=domain).pk
    found = Grant.objects.filter(account__login=login, scope_type="DOMAIN", scope_id=scope).first()
    return found.permissions if found else None


# End users

def test_each_permission_of_the_users_is_a_switch_in_plain_words(as_admin: Client) -> None:
    shown = as_admin.get(of("access/"))
    paper = form(shown)
    assert {may(name) for name in ("USER_EDIT", "MAIL_VIEW", "MAIL_RELEASE", "RULE_VIEW", "RULE_EDIT")} <= paper.names
    assert may("MAIL_VIEW") in paper
    for words in ("Change their own settings", "Release held messages"):
        assert words in text(shown)
    assert "MAIL_RELEASE" not in text(shown)


def test_a_switch_changes_what_the_users_may_do_and_nothing_else(as_admin: Client) -> None:
    before = set(Domain.objects.get(name=NORDWIND).users_access)
    sent = form(as_admin.get(of("access/"))).filled(**{may("MAIL_RELEASE"): None, may("USER_EDIT"): "on"})
    shown = as_admin.post(of("access/"), sent, follow=True)
    assert set(Domain.objects.get(name=NORDWIND).users_access) == before - {"MAIL_RELEASE"} | {"USER_EDIT"}
    assert "User access was changed." in text(shown)
    assert may("MAIL_RELEASE") not in form(shown)
    assert [entry.operation for entry in Entry.objects.all()] == ["affectUsersAccess"]


def test_all_of_it_can_be_taken_from_the_users(as_admin: Client) -> None:
    paper = form(as_admin.get(of("access/")))
    as_admin.post(of("access/"), paper.filled(**{name: None for name in paper.names if name.startswith("may-")}))
    assert Domain.objects.get(name=NORDWIND).users_access == []


def test_saving_what_is_there_asks_nothing_of_the_gateway(as_admin: Client) -> None:
    assert "Nothing was changed." in text(as_admin.post(of("access/"), form(as_admin.get(of("access/"))).filled(), follow=True))
    assert not Entry.objects.exists()


def test_what_somebody_else_switched_meanwhile_stays(as_admin: Client, as_customer: Client) -> None:
    mine = form(as_admin.get(of("access/"))).filled(**{may("MAIL_RELEASE"): None})
    as_customer.post(of("access/"), form(as_customer.get(of("access/"))).filled(**{may("RULE_EDIT"): None}))
    shown = as_admin.post(of("access/"), mine, follow=True)
    assert not {"MAIL_RELEASE", "RULE_EDIT"} & set(Domain.objects.get(name=NORDWIND).users_access)
    assert "Someone else has since changed: Allow and block senders." in text(shown)


def test_somebody_who_may_only_look_sees_the_switches_and_is_told_who_may_change(as_helpdesk: Client) -> None:
    sent = form(as_helpdesk.get(of("access/"))).filled(**{may("USER_EDIT"): "on"})
    shown = as_helpdesk.post(of("access/"), sent)
    assert "Your account cannot do this: change user access in a domain. An administrator of the domain can." in text(shown, 403)
    assert may("USER_EDIT") in form(shown)


# The list

def test_administrators_are_listed_with_what_they_may_and_how_they_sign_in(as_admin: Client) -> None:
    an_admin("petra@nordwind.example", "MAIL_VIEW", "MAIL_RELEASE", display_name="Petra Lüthi", totp=True)
    an_admin("urs@nordwind.example", enabled=False)
    petra, urs = find(as_admin.get(of("admins/")), "tbody tr")
    assert "Petra Lüthi" in text(petra)
    assert "View messages, Release held messages" in text(petra)
    assert {"Enabled", "on", "not reported"} <= {text(cell) for cell in find(petra, "td, td *")}
    assert "2 permissions" in text(petra)
    assert one(petra, "a[href$='/revoke/']")
    assert "View users" in text(urs)
    assert {"Disabled", "off"} <= {text(cell) for cell in find(urs, "td, td *")}


def test_the_list_is_sorted_searched_and_paged_by_the_gateway(as_admin: Client) -> None:
    for number in range(45):
        an_admin(f"admin{number:02}@nordwind.example")
    first, second = text(as_admin.get(of("admins/"))), text(as_admin.get(of("admins/?page=2")))
    assert "admin00@" in first and "admin44@" not in first and "45 entries" in first
    assert "admin44@" in second and "admin00@" not in second
    assert "admin44@" in text(as_admin.get(of("admins/?sort=-login")))
    found = text(as_admin.get(of("admins/?search=min17")))
    assert "admin17@" in found and "admin18@" not in found
    assert "Nothing matches “nobody”." in text(as_admin.get(of("admins/?search=nobody")))


def test_a_domain_that_nobody_administers_says_so(as_admin: Client) -> None:
    assert "No administrators for this domain yet." in text(as_admin.get(of("admins/")))


def panel(browser: Client) -> HttpResponse:
    return browser.get(of("panels/admins/"), headers={"HX-Request": "true", "HX-Target": "domain-admins"})


def test_the_panel_of_the_hub_shows_the_first_few(as_admin: Client) -> None:
    assert "No administrators for this domain yet." in text(panel(as_admin))
    for number in range(7):
        an_admin(f"admin{number}@nordwind.example", enabled=number != 1)
    shown = panel(as_admin)
    assert "<html" not in source(shown)
    assert "admin4@" in text(shown) and "admin5@" not in source(shown)
    assert {"All 7", "Add administrator"} <= {text(link) for link in find(shown, "a")}
    assert text(shown).count("Disabled") == 1


def test_the_panel_is_calm_where_somebody_may_not_see_the_administrators(as_helpdesk: Client) -> None:
    shown = panel(as_helpdesk)
    assert "Your account cannot see them." in text(shown)
    assert find(shown, "[role=alert]") == []
    whole = as_helpdesk.get(of("admins/"))
    assert text(one(whole, "h1")).startswith("nordwind.example")
    assert "Your account cannot do this: list the administrators of a domain. An administrator of the domain can." in text(whole)
    assert "Add administrator" not in source(whole)


# Adding

def test_an_account_that_exists_is_picked_and_given_access(as_admin: Client) -> None:
    urs = an_admin("urs@alpenmilch.example", domain="alpenmilch.example")
    shown = as_admin.get(of("add-admin/?search=urs"))
    assert "urs@alpenmilch.example" in text(shown)
    sent = form(shown).filled(account=urs.uid, **{may("MAIL_VIEW"): "on"})
    answer = as_admin.post(of("add-admin/"), sent, follow=True)
    assert "urs@alpenmilch.example is now an administrator of this domain." in text(answer)
    assert held("urs@alpenmilch.example") == ["MAIL_VIEW"]
    assert Entry.objects.get().target == "nordwind.example: urs@alpenmilch.example"


def test_an_account_that_is_not_offered_is_typed_by_its_id(as_admin: Client) -> None:
    urs = an_admin("urs@alpenmilch.example", domain="alpenmilch.example")
    sent = form(as_admin.get(of("add-admin/?search=nobody"))).filled(typed_id=urs.uid, **{may("MAIL_VIEW"): "on"})
    as_admin.post(of("add-admin/"), sent)
    assert held("urs@alpenmilch.example") == ["MAIL_VIEW"]


@pytest.mark.parametrize(("typed", "said"), [
    ({"typed_id": "nobody"}, "This account does not exist, or you cannot see it."), ({}, "Choose an account or enter its ID."),
    ({"typed_id": "a\0b"}, "Null characters are not allowed."), ({"typed_id": "<script>"}, "This account does not exist, or you cannot see it."),
    ({"typed_id": "x" * 10_000}, "has at most 200 characters"),
])
def test_an_account_that_is_none_is_told_at_its_field(typed: dict[str, str], said: str, as_admin: Client) -> None:
    sent = form(as_admin.get(of("add-admin/"))).filled(**typed, **{may("MAIL_VIEW"): "on"})
    shown = as_admin.post(of("add-admin/"), sent)
    assert any(said in text(problem) for problem in find(shown, "p.problem", 422))
    assert may("MAIL_VIEW") in form(shown)
    assert find(one(shown, "main"), "script") == []


def test_access_to_nothing_is_no_access(as_admin: Client) -> None:
    urs = an_admin("urs@alpenmilch.example", domain="alpenmilch.example")
    shown = as_admin.post(of("add-admin/"), form(as_admin.get(of("add-admin/"))).filled(account=urs.uid))
    assert "Choose at least one permission." in text(shown, 422)
    assert held("urs@alpenmilch.example") is None


def test_who_administers_the_domain_already_cannot_be_added_again(as_admin: Client) -> None:
    an_admin()
    shown = as_admin.get(of("add-admin/?search=petra"))
    assert one(shown, "[name=account][disabled]")
    assert "already administers this domain" in text(shown)


def test_searching_with_htmx_replaces_the_accounts_alone(as_admin: Client) -> None:
    an_admin()
    shown = as_admin.get(of("add-admin/accounts/?search=petra"), headers={"HX-Request": "true", "HX-Target": "accounts"})
    assert "petra@nordwind.example" in text(shown)
    assert "operations@" not in source(shown)
    assert find(shown, "h1") == []
    assert attribute(shown, "[name=search]", "value") == "petra"


def test_a_new_account_is_made_with_its_access(as_admin: Client) -> None:
    paper = form(as_admin.get(of("new-admin/")))
    assert (paper["language"], paper["enabled"]) == ("DE", "on")
    shown = as_admin.post(of("new-admin/"), paper.filled(**NEW, language="FR", enabled=None, **{may("RULE_VIEW"): "on"}), follow=True)
    assert "The account was created. petra@nordwind.example is now an administrator of this domain." in text(shown)
    account = Account.objects.get(login="petra@nordwind.example")
    assert (account.display_name, account.language, account.enabled) == ("Petra Lüthi", "FR", False)
    assert held("petra@nordwind.example") == ["RULE_VIEW"]
    assert "made for a test" not in source(shown)


@pytest.mark.parametrize(("typed", "said"), [
    ({"login": "julia.brandt@nordwind.example"}, "already there"), ({"password": "short"}, "at least 8 characters"),
    ({"email": "nowhere"}, "Enter a valid email address."), ({"displayName": ""}, "This field is required."),
    ({"login": "x" * 201}, "has at most 200 characters"),
])
def test_what_is_wrong_with_a_new_account_is_told_at_its_field(typed: dict[str, str], said: str, as_admin: Client) -> None:
    sent = form(as_admin.get(of("new-admin/"))).filled(**{**NEW, **typed, may("RULE_VIEW"): "on"})
    shown = as_admin.post(of("new-admin/"), sent)
    assert any(said in text(problem) for problem in find(shown, "p.problem", 422))
    assert "made for a test" not in source(shown, 422)
    assert may("RULE_VIEW") in form(shown)
    assert held(NEW["login"]) is None


def test_a_double_click_makes_one_account(as_admin: Client) -> None:
    sent = form(as_admin.get(of("new-admin/"))).filled(**NEW, **{may("RULE_VIEW"): "on"})
    answers = [as_admin.post(of("new-admin/"), sent) for _click in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Entry.objects.count() == 1


def test_a_password_does_not_go_along_to_the_sign_in(as_admin: Client) -> None:
    sent = form(as_admin.get(of("new-admin/"))).filled(**NEW, **{may("RULE_VIEW"): "on"})
    session = as_admin.session
    session["ends"] = 0
    session.save()
    answer = as_admin.post(of("new-admin/"), sent)
    assert "petra" in answer["Location"]
    assert "made" not in answer["Location"]


def test_nobody_is_offered_to_pass_on_what_they_may_not(as_helpdesk: Client) -> None:
    for where in ("add-admin/", "new-admin/"):
        shown = as_helpdesk.get(of(where))
        switches = {name for name in form(shown).names if name.startswith("may-")}
        assert switches and switches <= form(shown).disabled
        assert "You have no permissions on this domain that you can grant." in text(shown)
        assert "Add" not in [text(button) for button in find(shown, "button")]


# Changing

def test_what_an_administrator_may_do_is_changed_by_switches(as_admin: Client) -> None:
    where = of(f"admins/{an_admin(NEW['login'], 'MAIL_VIEW', 'RULE_VIEW').uid}/")
    shown = as_admin.post(where, form(as_admin.get(where)).filled(**{may("RULE_VIEW"): None, may("GRANT"): "on"}), follow=True)
    assert held(NEW["login"]) == ["MAIL_VIEW", "GRANT"]
    assert "The permissions of petra@nordwind.example were changed." in text(shown)


def test_what_the_caller_does_not_hold_is_locked_and_stays(sandbox: dict[str, str], as_admin: Client) -> None:
    """The caller here holds GRANT and little else on the domain; what it lacks may not get lost by saving."""
    from tests.conftest import signed_in

    julia = Account.objects.get(login="julia.brandt@nordwind.example")
    julia.grants.update(permissions=["DOMAIN_VIEW", "GRANT", "MAIL_VIEW"])
    browser = signed_in(sandbox["customer"])
    where = of(f"admins/{an_admin(NEW['login'], 'RULE_EDIT').uid}/")
    paper = form(browser.get(where))
    assert paper.disabled == {may("RULE_EDIT")}
    browser.post(where, paper.filled(**{may("MAIL_VIEW"): "on"}))
    assert held(NEW["login"]) == ["MAIL_VIEW", "RULE_EDIT"]
    browser.post(where, {**form(browser.get(where)).filled(), may("MAIL_VIEW"): "", may("DOMAIN_VIEW"): "on"})
    assert "RULE_EDIT" in (held(NEW["login"]) or [])


def test_two_windows_change_different_permissions_and_both_hold(as_admin: Client, as_customer: Client) -> None:
    where = of(f"admins/{an_admin(NEW['login'], 'MAIL_VIEW').uid}/")
    mine = form(as_admin.get(where)).filled(**{may("USER_VIEW"): "on"})
    as_customer.post(where, form(as_customer.get(where)).filled(**{may("RULE_VIEW"): "on"}))
    shown = as_admin.post(where, mine, follow=True)
    assert held(NEW["login"]) == ["USER_VIEW", "MAIL_VIEW", "RULE_VIEW"]
    assert "Someone else has since changed: View allowed and blocked senders." in text(shown)


def test_the_last_permission_is_not_taken_by_a_switch(as_admin: Client) -> None:
    where = of(f"admins/{an_admin(NEW['login'], 'MAIL_VIEW').uid}/")
    shown = as_admin.post(where, form(as_admin.get(where)).filled(**{may("MAIL_VIEW"): None}))
    assert "Choose at least one permission." in text(shown, 422)
    assert "Revoke access" in [text(link) for link in find(shown, "a", 422)]
    assert held(NEW["login"]) == ["MAIL_VIEW"]


def test_ones_own_account_comes_with_a_warning(as_customer: Client) -> None:
    julia = an_admin("julia.brandt@nordwind.example", "MAIL_VIEW")
    assert "This is your own account." in text(as_customer.get(of(f"admins/{julia.uid}/")))
    assert "This is your own account" in text(as_customer.get(of(f"admins/{julia.uid}/revoke/")))
    assert "This is your own account" not in text(as_customer.get(of(f"admins/{an_admin().uid}/")))


def test_a_login_in_other_letters_is_ones_own_all_the_same(as_customer: Client) -> None:
    julia = an_admin("julia.brandt@nordwind.example", "MAIL_VIEW")
    Account.objects.filter(pk=julia.pk).update(login="Julia.Brandt@Nordwind.example")
    assert "This is your own account." in text(as_customer.get(of(f"admins/{julia.uid}/")))


def test_an_opaque_token_does_not_tell_whose_it_is_so_nobody_is_warned_by_it(gateway: Gateway, browser_of_somebody: Client) -> None:
    name = text(find(browser_of_somebody.get("/activity/"), ".who")[0])
    assert name.startswith("token ")
    for login in (name, "julia.brandt@nordwind.example", "", None):  # somebody may be called like the name we made up
        account = {"id": "a1", "login": login, "displayName": "Julia"}

        def answer(request: httpx.Request, account: dict[str, Any] = account) -> httpx.Response:
            if request.url.path.endswith("permissions"):
                return httpx.Response(200, json=[{"name": "MAIL_VIEW", "editable": True}])
            return httpx.Response(200, json=account if "admins" in request.url.path else {"id": "d1", "name": "example.org"})

        gateway.answer = answer
        for page in ("", "revoke/"):
            assert "your own account" not in text(browser_of_somebody.get(f"/domains/d1/admins/a1/{page}"))


# Revoking

def test_revoking_the_last_access_says_that_it_deletes_the_account(as_admin: Client, as_customer: Client) -> None:
    where = of(f"admins/{an_admin().uid}/revoke/")
    asked = as_admin.get(where)
    assert "The account has no other access: the gateway deletes the account too." in text(asked)
    assert "Revoke access and delete account" in [text(button) for button in find(asked, "button")]
    assert "As far as you can see, the account has no other access" in text(as_customer.get(where))  # others may know more
    shown = as_admin.post(where, form(asked).filled(), follow=True)
    assert "petra@nordwind.example is no longer an administrator of this domain." in text(shown)
    assert not Account.objects.filter(login="petra@nordwind.example").exists()


def test_revoking_one_access_of_several_says_that_the_account_stays(as_admin: Client) -> None:
    an_admin(domain="alpenmilch.example")
    where = of(f"admins/{an_admin().uid}/revoke/")
    asked = as_admin.get(where)
    assert "The account remains: it has access to 1 other place." in text(asked)
    assert "Revoke" in [text(button) for button in find(asked, "button")]
    as_admin.post(where, form(asked).filled())
    assert (held(NEW["login"]), held(NEW["login"], "alpenmilch.example")) == (None, ["USER_VIEW"])


def test_looking_at_the_question_revokes_nothing(as_admin: Client) -> None:
    as_admin.get(of(f"admins/{an_admin().uid}/revoke/"))
    assert held(NEW["login"]) == ["USER_VIEW"]


def test_a_double_click_revokes_once_and_finds_nothing_missing(as_admin: Client) -> None:
    where = of(f"admins/{an_admin().uid}/revoke/")
    sent = form(as_admin.get(where)).filled()
    assert [as_admin.post(where, sent).status_code for _click in range(2)] == [302, 302]
    assert Entry.objects.count() == 1


def test_a_refused_revocation_says_who_may(sandbox: dict[str, str], as_admin: Client) -> None:
    from tests.conftest import signed_in

    Account.objects.get(login="julia.brandt@nordwind.example").grants.update(permissions=["DOMAIN_VIEW", "GRANT"])
    browser = signed_in(sandbox["customer"])
    where = of(f"admins/{an_admin(NEW['login'], 'RULE_EDIT').uid}/revoke/")
    shown = browser.post(where, form(browser.get(where)).filled())
    assert "Your account cannot do this: revoke an administrator's access. An administrator of the domain can." in text(shown, 403)
    assert "You do not hold what you would change: RULE_EDIT." in text(shown, 403)
    assert held(NEW["login"]) == ["RULE_EDIT"]


# Gateways that say less, or other things, than the sandbox.

def gateway_with(gateway: Gateway, admin: dict[str, Any], permissions: list[dict[str, Any]] | int, accounts: Any = ()) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method != "GET":
            return httpx.Response(204)
        if path == "/users":  # at the sign-in
            return httpx.Response(200, json=[])
        if path == "/security/permissions":
            return httpx.Response(permissions) if isinstance(permissions, int) else httpx.Response(200, json=permissions)
        if path == "/security/admins":
            return httpx.Response(accounts) if isinstance(accounts, int) else httpx.Response(200, json=list(accounts))
        if path.endswith("/admins/a1"):
            return httpx.Response(200, json=admin)
        if path.endswith("/access"):
            return httpx.Response(200, json=[{"name": one["name"], "enabled": one["editable"]} for one in permissions])  # type: ignore[union-attr]
        return httpx.Response(200, json={"id": "d1", "name": "nordwind.example"})

    gateway.answer = answer


def sent_to(gateway: Gateway, method: str) -> list[Any]:
    return [json.loads(request.content) for request in gateway.asked if request.method == method]


def test_permissions_that_are_new_to_us_have_their_own_names(gateway: Gateway, browser_of_somebody: Client) -> None:
    names = ["RESET_PASSWORD_TOKEN", "Émile <b>", "x" * 60]
    gateway_with(gateway, {"id": "a1"}, [{"name": name, "editable": True} for name in names])
    for where in ("/domains/d1/access/", "/domains/d1/new-admin/"):
        shown = browser_of_somebody.get(where)
        assert all(name in text(shown) for name in names)
        assert find(shown, "main b") == []
    browser_of_somebody.post("/domains/d1/access/", form(browser_of_somebody.get("/domains/d1/access/")).filled(**{may(names[0]): None}))
    assert sent_to(gateway, "PUT") == [names[1:]]


def test_switches_are_as_they_were_left_after_signing_in_again(gateway: Gateway, browser_of_somebody: Client) -> None:
    names = ["RESET_PASSWORD", "MAIL_VIEW"]
    gateway_with(gateway, {"id": "a1"}, [{"name": name, "editable": True} for name in names])
    sent = form(browser_of_somebody.get("/domains/d1/access/")).filled(**{may("MAIL_VIEW"): None})
    works, gateway.answer = gateway.answer, lambda request: httpx.Response(401)
    back = browser_of_somebody.post("/domains/d1/access/", sent)["Location"]
    gateway.answer = works
    answer = browser_of_somebody.post("/sign-in/", {"token": "an-opaque-token-of-a-test", "next": httpx.URL(back).params["next"]})
    values = form(browser_of_somebody.get(answer["Location"]))
    assert may("RESET_PASSWORD") in values
    assert may("MAIL_VIEW") not in values


def test_an_administrator_of_whom_the_gateway_says_little(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, {"id": "a1", "login": "petra"}, [{"name": "MAIL_VIEW", "editable": True}])
    shown = text(browser_of_somebody.get("/domains/d1/admins/a1/"))
    assert "The gateway does not say what this account can do here." in shown
    asked = text(browser_of_somebody.get("/domains/d1/admins/a1/revoke/"))
    assert "If this is the account's last access, the gateway deletes the account." in asked


def test_a_system_administrator_is_not_deleted_by_a_revocation(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, {"id": "a1", "login": "root", "sysAdmin": True, "authoritiesCount": 1}, [])
    assert "the account remains, and so does what it can do everywhere" in text(browser_of_somebody.get("/domains/d1/admins/a1/revoke/"))


def test_accounts_that_cannot_be_listed_can_still_be_typed(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, {}, [{"name": "MAIL_VIEW", "editable": True}], 403)
    shown = browser_of_somebody.get("/domains/d1/add-admin/")
    assert "Your account cannot do this: list administrators." in text(shown)
    answer = browser_of_somebody.post("/domains/d1/add-admin/", form(shown).filled(typed_id="a7", **{may("MAIL_VIEW"): "on"}))
    assert answer.status_code == 302
    assert sent_to(gateway, "POST") == [{"id": "a7", "permissions": ["MAIL_VIEW"]}]


def test_an_id_that_is_a_number_stays_one(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, {}, [{"name": "MAIL_VIEW", "editable": True}], [{"id": 4711, "login": "petra"}])
    shown = browser_of_somebody.get("/domains/d1/add-admin/")
    browser_of_somebody.post("/domains/d1/add-admin/", form(shown).filled(account="4711", **{may("MAIL_VIEW"): "on"}))
    assert sent_to(gateway, "POST") == [{"id": 4711, "permissions": ["MAIL_VIEW"]}]


@pytest.mark.parametrize(("status", "said"), [(409, "Already exists"), (422, "Refused")])
def test_an_account_that_the_gateway_refuses_leaves_the_form_filled_in(
    status: int, said: str, gateway: Gateway, browser_of_somebody: Client,
) -> None:  # fmt: skip
    gateway_with(gateway, {}, [{"name": "MAIL_VIEW", "editable": True}], [{"id": "a2", "login": "petra"}])
    shown = browser_of_somebody.get("/domains/d1/add-admin/")
    works = gateway.answer
    gateway.answer = lambda request: works(request) if request.method == "GET" else httpx.Response(status, json={"message": "It is so."})
    again = browser_of_somebody.post("/domains/d1/add-admin/", form(shown).filled(account="a2", **{may("MAIL_VIEW"): "on"}))
    assert "It is so." in text(again, status)
    assert (form(again)["account"], may("MAIL_VIEW") in form(again)) == ("a2", True)


def test_permissions_that_cannot_be_listed_leave_the_rest_of_the_page(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway_with(gateway, {"id": "a1", "login": "petra"}, 500)
    for where in ("add-admin/", "new-admin/", "admins/a1/"):
        shown = browser_of_somebody.get(f"/domains/d1/{where}")
        assert "The gateway failed" in [text(title) for title in find(shown, "h2")]
        assert text(one(shown, "h1")).startswith("nordwind.example")
    assert "Revoke access" in text(shown)


def test_who_holds_a_customer_or_a_broker_may_pass_that_on(browser_of_somebody: Client, gateway: Gateway) -> None:
    """"limited to the current user's permissions on the given object" (r:94), which is a domain, a customer or a broker (r:55)."""
    held = {"domain": [], "customer": [{"name": "MAIL_VIEW", "editable": True}], "broker": [{"name": "A_NEW_ONE", "editable": True}]}
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/security/permissions":
            asked.append((request.url.params["scope"], request.url.params["id"]))
            return httpx.Response(200, json=held[request.url.params["scope"]])
        domain = {"id": "d1", "name": "a.example", "customer": {"id": "c1", "brokerId": "b1"}}
        return httpx.Response(200, json=domain if request.url.path == "/domains/d1" else [])

    gateway.answer = answer
    page = text(browser_of_somebody.get("/domains/d1/new-admin/"))
    assert sorted(asked) == [("broker", "b1"), ("customer", "c1"), ("domain", "d1")]
    for words in ("View messages", "A_NEW_ONE"):  # our words where we know them, and the gateway's own
        assert words in page
    held["domain"] = [{"name": "GRANT", "editable": True}]
    asked.clear()
    assert "A_NEW_ONE" not in text(browser_of_somebody.get("/domains/d1/new-admin/"))
    assert asked == [("domain", "d1")]
