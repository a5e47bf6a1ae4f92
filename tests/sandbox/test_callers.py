"""Who gets in, what they see, and what they may do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sandbox import auth, seed
from sandbox.models import Account, Broker, Customer, Domain, Grant, Token, User
from tests.sandbox.conftest import client

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Token x"])
def test_without_a_good_token_everything_is_401(nobody, header):
    headers = {"Authorization": header} if header else {}
    for method, path in (("GET", "/domains"), ("GET", "/users/xxxxx"), ("POST", "/wblist"), ("DELETE", "/domains/xxxxx")):
        answer = nobody.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_good_token_under_another_scheme_is_401(nobody):
    token = seed.demo_tokens()["system administrator"]
    for header in (token, f"Basic {token}", f"Token {token}", f"Bearer{token}"):
        assert nobody.get("/domains", headers={"Authorization": header}).status_code == 401


def test_an_expired_token_is_401():
    assert client(seed.dead_tokens()["expired"]).get("/users").status_code == 401


def test_a_token_dies_when_its_time_comes(admin):
    assert admin.get("/users").status_code == 200
    Token.objects.update(expiration=timezone.now() - timedelta(seconds=1))
    assert admin.get("/users").status_code == 401


def test_a_token_without_an_end_goes_on(admin):
    Token.objects.update(expiration=None)
    assert admin.get("/users").status_code == 200


def test_a_disabled_account_is_401_with_a_token_that_is_still_good():
    assert client(seed.dead_tokens()["disabled"]).get("/users").status_code == 401


def test_a_disabled_user_is_401(anna, keller):
    assert anna.get("/users").status_code == 200
    User.objects.filter(pk=keller.pk).update(status="DISABLED")
    assert anna.get("/users").status_code == 401


def test_the_scheme_is_read_in_any_case_as_http_wants_it():
    token = seed.demo_tokens()["end user"]
    assert client(None).get("/users", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_the_database_holds_no_token_in_clear():
    secrets = [*seed.demo_tokens().values(), *seed.dead_tokens().values()]
    stored = " ".join(str(value) for row in Token.objects.values() for value in row.values())
    assert len(set(secrets)) == 6
    assert all(secret not in stored for secret in secrets)
    assert {auth.digest(secret) for secret in secrets} == set(Token.objects.values_list("digest", flat=True))


def test_the_lists_leave_out_what_one_may_not_see(sysadmin, admin, helpdesk, anna, stranger):
    seen = {
        name: {row["name"] for row in who.get("/domains").json()}
        for name, who in {"sysadmin": sysadmin, "admin": admin, "helpdesk": helpdesk, "anna": anna, "stranger": stranger}.items()
    }
    assert len(seen["sysadmin"]) == 7
    assert seen["admin"] == seen["helpdesk"] == {"nordwind.example", "nordwind-hafen.example", seed.IDN}
    assert seen["stranger"] == seen["sysadmin"] - seen["admin"]
    assert seen["anna"] == set()
    assert [row["email"] for row in anna.get("/users").json()] == [seed.ANNA]
    assert anna.get("/users").headers["X-Total-Count"] == "1"
    everybody = int(sysadmin.get("/users").headers["X-Total-Count"])
    nordwind = int(admin.get("/users").headers["X-Total-Count"])
    alpenmilch = int(stranger.get("/users").headers["X-Total-Count"])
    assert nordwind + alpenmilch == everybody
    assert min(nordwind, alpenmilch) > 0


def test_a_system_administrator_with_a_mailbox_still_sees_everybody(account):
    who = account("both", sysadmin=True, user=User.objects.get(email=seed.BUSY))
    assert who.get("/users").headers["X-Total-Count"] == str(User.objects.count())


def test_a_filter_does_not_reach_what_one_may_not_see(admin, anna, alpenmilch):
    assert admin.get("/domains", params={"name": "alpenmilch.example"}).json() == []
    assert admin.get("/domains", params={"customerId": alpenmilch.customer.uid}).json() == []
    assert admin.get("/users", params={"email": "lea.amsler@alpenmilch.example"}).json() == []
    assert anna.get("/users", params={"email": "*nordwind*"}).headers["X-Total-Count"] == "1"


def test_what_belongs_to_another_customer_looks_like_what_does_not_exist(admin, alpenmilch):
    lea = User.objects.get(email="lea.amsler@alpenmilch.example")
    for kind, uid in (("domains", alpenmilch.uid), ("users", lea.uid), ("policies", alpenmilch.policy.uid)):
        foreign, unknown = admin.get(f"/{kind}/{uid}"), admin.get(f"/{kind}/00000")
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json() == unknown.json()
    for path in (
        f"/domains/{alpenmilch.uid}/users", f"/domains/{alpenmilch.uid}/policies", f"/domains/{alpenmilch.uid}/wblist",
        f"/users/{lea.uid}/wblist", f"/users/{lea.uid}/emails/folders", f"/users/{lea.email}/emails/Quarantine",
    ):
        assert admin.get(path).status_code == 404
    assert admin.post(f"/users/{lea.uid}/wblist", json=[]).status_code == 404
    assert admin.put(f"/domains/{alpenmilch.uid}/wblist", json=[]).status_code == 404


def test_an_end_user_sees_itself_its_domain_as_forbidden_and_its_colleagues_not_at_all(anna, keller, nordwind, alpenmilch):
    colleague = User.objects.get(email=seed.BUSY)
    assert anna.get(f"/users/{keller.uid}").json()["email"] == seed.ANNA
    assert anna.get(f"/domains/{nordwind.uid}").status_code == 403
    assert anna.get(f"/domains/{nordwind.uid}/users").status_code == 403
    assert anna.get(f"/domains/{alpenmilch.uid}").status_code == 404
    assert anna.get(f"/users/{colleague.uid}").status_code == 404
    assert anna.get(f"/users/{colleague.email}/emails/Quarantine").status_code == 404


def test_the_helpdesk_reads_everything_of_its_customer(helpdesk, nordwind, keller, box):
    for path in (
        f"/domains/{nordwind.uid}", f"/domains/{nordwind.uid}/users", f"/domains/{nordwind.uid}/policies", f"/users/{keller.uid}",
        f"/domains/{nordwind.uid}/wblist", f"/users/{keller.uid}/wblist", f"/users/{keller.uid}/emails/folders", box,
    ):
        assert helpdesk.get(path).status_code == 200


def test_the_helpdesk_changes_nothing(helpdesk, nordwind, keller, box, held):
    rule = [{"value": "x.example", "type": "BLOCK"}]
    domain, mailbox = f"/domains/{nordwind.uid}/wblist", f"/users/{keller.uid}/wblist"
    domain_rule, mailbox_rule = nordwind.sender_rules.first().uid, keller.sender_rules.first().uid
    for method, path, body in (
        ("POST", domain, rule), ("PUT", domain, rule),
        ("PUT", f"{domain}/{domain_rule}", rule[0]), ("DELETE", f"{domain}/{domain_rule}", None),
        ("POST", mailbox, rule), ("PUT", mailbox, rule),
        ("PUT", f"{mailbox}/{mailbox_rule}", rule[0]), ("DELETE", f"{mailbox}/{mailbox_rule}", None),
        ("POST", "/wblist", [{**rule[0], "owner": "nordwind.example"}]),
        ("POST", f"{box}/{held('Rechnung').fuglu_id}/release", None),
    ):
        assert helpdesk.request(method, path, json=body).status_code == 403
    assert (nordwind.sender_rules.count(), keller.sender_rules.count()) == (5, 2)


@pytest.mark.parametrize("scope", ["PLATFORM", "BROKER", "CUSTOMER", "DOMAIN"])
def test_a_permission_reaches_everything_below_its_object(account, nordwind, scope):
    key = {"PLATFORM": 0, "BROKER": nordwind.customer.broker_id, "CUSTOMER": nordwind.customer_id, "DOMAIN": nordwind.pk}[scope]
    who = account("somebody", scope, key, ("DOMAIN_VIEW", "USER_VIEW"))
    domains = {"PLATFORM": 7, "BROKER": 7, "CUSTOMER": 3, "DOMAIN": 1}[scope]
    assert who.get("/domains").headers["X-Total-Count"] == str(domains)
    users = User.objects.count() if domains == 7 else User.objects.filter(domain__customer=nordwind.customer).count()
    users = nordwind.users.count() if domains == 1 else users
    assert who.get("/users").headers["X-Total-Count"] == str(users)
    assert who.get(f"/domains/{nordwind.uid}").status_code == 200
    assert who.get(f"/domains/{nordwind.uid}/wblist").status_code == 403


def test_a_permission_on_another_broker_with_the_same_number_as_the_customer_gives_nothing(account, nordwind):
    broker = Broker.objects.create(pk=nordwind.pk + 1000, name="Anderer")
    Customer.objects.create(pk=broker.pk, broker=nordwind.customer.broker, name="Dritter", created_at=timezone.now())
    who = account("somebody", "BROKER", broker.pk, auth.PERMISSIONS)
    assert who.get("/domains").json() == []
    assert who.get(f"/domains/{nordwind.uid}").status_code == 404


def test_rights_from_two_grants_add_up(account, nordwind):
    who = account("somebody", "DOMAIN", nordwind.pk, ("DOMAIN_VIEW",))
    row = Account.objects.get(login="somebody")
    Grant.objects.create(account=row, scope_type="CUSTOMER", scope_id=nordwind.customer_id, permissions=["USER_VIEW"])
    assert who.get("/domains").headers["X-Total-Count"] == "1"
    assert who.get(f"/domains/{nordwind.uid}/users").status_code == 200
    hafen = Domain.objects.get(name="nordwind-hafen.example")
    assert who.get(f"/domains/{hafen.uid}").status_code == 403
    assert who.get(f"/domains/{hafen.uid}/users").status_code == 200


def test_an_account_without_rights_sees_empty_lists(account):
    who = account("nobody")
    assert who.get("/domains").json() == []
    assert who.get("/users").json() == []


def test_the_domain_decides_what_its_users_may_do(anna, keller, nordwind, box, held):
    nordwind.users_access = ["RULE_VIEW"]
    nordwind.save()
    assert anna.get(f"/users/{keller.uid}/wblist").status_code == 200
    assert anna.post(f"/users/{keller.uid}/wblist", json=[]).status_code == 403
    assert anna.get(box).status_code == 403
    assert anna.post(f"{box}/{held('Rechnung').fuglu_id}/release").status_code == 403
    assert anna.get(f"/users/{keller.uid}").status_code == 200


def test_list_permissions_tells_what_the_caller_holds_and_may_pass_on(sysadmin, admin, helpdesk, anna, stranger, nordwind):
    query = {"scope": "domain", "id": nordwind.uid}
    assert {row["name"] for row in sysadmin.get("/security/permissions", params=query).json()} == set(auth.PERMISSIONS)
    assert all(row["editable"] for row in admin.get("/security/permissions", params=query).json())
    mine = helpdesk.get("/security/permissions", params=query).json()
    assert mine == [{"name": name, "editable": False} for name in ("DOMAIN_VIEW", "USER_VIEW", "MAIL_VIEW", "RULE_VIEW")]
    assert anna.get("/security/permissions", params=query).json() == []
    assert stranger.get("/security/permissions", params=query).json() == []
    for scope, uid in (("CUSTOMER", nordwind.customer.uid), ("broker", nordwind.customer.broker.uid)):
        found = helpdesk.get("/security/permissions", params={"scope": scope, "id": uid}).json()
        assert len(found) == (4 if scope == "CUSTOMER" else 0)


@pytest.mark.parametrize("query", [{}, {"scope": "domain"}, {"id": "x"}, {"scope": "planet", "id": "x"}])
def test_list_permissions_wants_a_known_scope_and_an_id(admin, query):
    assert admin.get("/security/permissions", params=query).status_code == 400


def test_list_permissions_on_something_unknown_is_an_empty_list(admin):
    assert admin.get("/security/permissions", params={"scope": "domain", "id": "00000"}).json() == []


def test_users_follow_their_domain_to_another_customer_and_a_user_its_new_domain(sysadmin, admin, stranger, nordwind, alpenmilch):
    hafen = Domain.objects.get(name="nordwind-hafen.example")
    before = [int(who.get("/users").headers["X-Total-Count"]) for who in (admin, stranger)]
    moved = hafen.users.count()
    assert moved
    assert sysadmin.patch(f"/domains/{hafen.uid}", json={"customerId": alpenmilch.customer.uid}).status_code == 204
    assert [int(who.get("/users").headers["X-Total-Count"]) for who in (admin, stranger)] == [before[0] - moved, before[1] + moved]
    anna = User.objects.get(email=seed.ANNA)
    body = {"domainId": alpenmilch.uid, "email": "anna.keller@alpenmilch.example"}
    assert sysadmin.patch(f"/users/{anna.uid}", json=body).status_code == 204
    assert admin.get("/users", params={"email": body["email"]}).json() == []
    assert [row["id"] for row in stranger.get("/users", params={"email": body["email"]}).json()] == [anna.uid]
