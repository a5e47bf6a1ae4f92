"""What is written on domains: defaults, deletion and its undoing, clashes, inheritance, and changing only what is sent."""


import pytest
from django.utils import timezone

from sandbox.models import Customer, Domain, OptionValue, Policy, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


def new(customer: Customer, **more):
    return {"name": "neu.example", "status": "ENABLED", "quarantine": True, "retention": False, "archive": False,
            "defaultLanguage": "DE", "customerId": customer.uid, **more}


# --- Domains: createDomain, editDomain, deleteDomain


def test_a_new_domain_has_a_default_policy_made_from_its_flags(sysadmin, nordwind):
    made = sysadmin.post("/domains", json=new(nordwind.customer, retention=True, defaultLanguage="de", outgoing=True))
    assert made.status_code == 201
    found = sysadmin.get(made.headers["Location"]).json()
    assert found == made.json()
    policy = found["policy"]
    assert (policy["quarantine"], policy["retention"], policy["archive"], policy["outgoing"]) == (True, True, False, True)
    assert (policy["quarantineProps"]["duration"], policy["retentionProps"]["duration"], policy["archiveProps"]) == (31, 5, None)
    assert (found["defaultLanguage"], found["policiesCount"], found["senderVerifyOn"]) == ("DE", 1, True)


@pytest.mark.parametrize(("status", "more"), [
    (409, {"name": "nordwind.example"}), (409, {"name": "NORDWIND.test"}), (400, {"name": "no domain"}), (400, {"name": "x"}),
    (400, {"status": "GONE"}), (400, {"unknown": 1}), (400, {"platforms": [{"name": "x"}]}), (422, {"customerId": "zzzzz"}),
    (422, {"status": "DELETED"}), (422, {"outgoingProvidersIds": ["zzzzz"]}), (400, {"outgoingSubnets": ["everything"]}),
    (400, {"name": 5}), (400, {"defaultLanguage": "IT"}),
])
def test_a_domain_that_cannot_be_made_leaves_nothing_behind(sysadmin, nordwind, status, more):
    before = Domain.objects.count(), Policy.objects.count()
    answer = sysadmin.post("/domains", json=new(nordwind.customer, **more))
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert answer.json()["fields"]
    assert (Domain.objects.count(), Policy.objects.count()) == before


def test_unknown_fields_are_all_named(sysadmin, nordwind):
    answer = sysadmin.post("/domains", json=new(nordwind.customer, colour="red", shape="round"))
    assert answer.json()["fields"] == {"colour": "unknown", "shape": "unknown"}
    platform = {"name": "x", "transportDest": "192.0.2.1", "transportType": "SMTP", "transportPort": 25, "speed": 1}
    answer = sysadmin.post("/domains", json=new(nordwind.customer, platforms=[platform]))
    assert answer.status_code == 400
    assert "speed" in answer.text


def test_a_customer_has_no_more_domains_than_its_quota(sysadmin, nordwind):
    Customer.objects.filter(pk=nordwind.customer_id).update(domain_quota=3)
    assert sysadmin.post("/domains", json=new(nordwind.customer)).status_code == 403


def test_a_deleted_domain_comes_back_until_it_is_purged(sysadmin, anna, keller, nordwind):
    path = f"/domains/{nordwind.uid}"
    assert sysadmin.delete(path).status_code == 204
    found = sysadmin.get(path).json()
    assert found["status"] == "DELETED"
    assert found["purgeDate"] - found["deletionDate"] == 30 * 24 * 3600 * 1000
    assert sysadmin.get(f"/users/{keller.uid}").json()["domainStatus"] == "DELETED"
    assert anna.get("/users").status_code == 401
    assert sysadmin.delete(path).status_code == 204
    assert sysadmin.get(path).json()["deletionDate"] == found["deletionDate"]
    assert sysadmin.patch(path, json={"status": "ENABLED"}).status_code == 204
    back = sysadmin.get(path).json()
    assert (back["status"], back["deletionDate"], back["purgeDate"]) == ("ENABLED", None, None)
    assert anna.get("/users").status_code == 200
    sysadmin.delete(path)
    Domain.objects.filter(pk=nordwind.pk).update(purge_date=timezone.now())
    assert sysadmin.get(path).status_code == 404
    assert not User.objects.filter(pk=keller.pk).exists()


def test_only_a_system_administrator_deletes_restores_or_moves_a_domain(admin, sysadmin, alpenmilch):
    path = f"/domains/{Domain.objects.get(name='nordwind-hafen.example').uid}"
    for body in ({"status": "DELETED"}, {"customerId": alpenmilch.customer.uid}, {"quarantine": False}):
        assert admin.patch(path, json=body).status_code == 403
    sysadmin.delete(path)
    assert admin.patch(path, json={"status": "ENABLED"}).status_code == 403
    assert sysadmin.patch(path, json={"status": "ENABLED", "customerId": alpenmilch.customer.uid}).status_code == 204
    assert admin.get(path).status_code == 404


def test_a_patch_changes_what_is_sent_and_nothing_else(sysadmin, nordwind):
    path = f"/domains/{nordwind.uid}"
    before = sysadmin.get(path).json()
    for body in ({}, {"description": "neu"}, {"externalId": None}, {"wblistPriority": "DOMAIN"}, {"outgoingSubnets": []},
                 {"senderVerifyOn": False}, {"defaultLanguage": "fr"}):
        assert sysadmin.patch(path, json=body).status_code == 204
        before |= {name: value.upper() if name == "defaultLanguage" else value for name, value in body.items()}
        assert sysadmin.get(path).json() == before


def test_relays_are_replaced_with_their_domain_and_keep_their_secrets(sysadmin, nordwind):
    path = f"/domains/{nordwind.uid}"
    exchange = nordwind.platforms.get(name="Exchange Zürich")
    body = {"id": exchange.uid, "name": "Exchange", "transportDest": "192.0.2.9", "transportType": "SMTP", "transportPort": 25,
            "authType": "ldap", "authData": {"host": "192.0.2.9", "bind_password": "secret"}, "default": True}
    assert sysadmin.patch(path, json={"platforms": [body]}).status_code == 204
    [shown] = sysadmin.get(path).json()["platforms"]
    assert shown["authData"] == {"host": "192.0.2.9"}
    shown["name"] = "again"
    assert sysadmin.patch(path, json={"platforms": [shown]}).status_code == 204
    exchange.refresh_from_db()
    assert (exchange.name, exchange.auth_data["bind_password"]) == ("again", "secret")
    assert sysadmin.patch(path, json={"platforms": [{**body, "id": "zzzzz"}]}).status_code == 422
    answer = sysadmin.patch(path, json={"platforms": [{**body, "authData": {"colour": 1}}]})
    assert answer.json()["fields"] == {"colour": "unknown"}
    assert nordwind.platforms.count() == 1


def test_a_domain_with_addresses_keeps_its_name(sysadmin, nordwind):
    made = sysadmin.post("/domains", json=new(nordwind.customer)).headers["Location"]
    assert sysadmin.patch(made, json={"name": "Neuer.example"}).status_code == 204
    assert sysadmin.get(made).json()["name"] == "neuer.example"
    assert sysadmin.patch(made, json={"name": "nordwind.test"}).status_code == 422
    assert sysadmin.patch(f"/domains/{nordwind.uid}", json={"name": "anders.example"}).status_code == 422


# --- Policies: createPolicy, editPolicy, deletePolicy


def test_a_policy_in_use_cannot_be_deleted(sysadmin, nordwind):
    other = Policy.objects.get(name="Geschäftsleitung")
    for policy in (nordwind.policy, other):
        assert sysadmin.delete(f"/policies/{policy.uid}").status_code == 400
    User.objects.filter(policy=other).update(policy=None)
    assert sysadmin.delete(f"/policies/{other.uid}").status_code == 204
    assert sysadmin.get(f"/policies/{other.uid}").status_code == 404


def test_a_policy_is_changed_down_into_its_settings(sysadmin, nordwind):
    path = f"/policies/{nordwind.policy.uid}"
    before = sysadmin.get(path).json()
    assert sysadmin.patch(path, json={"quarantineProps": {"duration": 7}, "relayProps": {"prefixSpam": None}}).status_code == 204
    before["quarantineProps"]["duration"], before["relayProps"]["prefixSpam"] = 7, None
    assert sysadmin.get(path).json() == before
    assert sysadmin.patch(path, json={"quarantine": False}).status_code == 204
    assert sysadmin.get(path).json() == before | {"quarantine": False, "quarantineProps": None}
    assert sysadmin.patch(path, json={"quarantineProps": {"duration": 7}}).status_code == 422
    for body in ({"domainId": "zzzzz"}, {"name": "Geschäftsleitung"}):
        answer = sysadmin.patch(path, json=body)
        assert answer.status_code == 422
        assert set(answer.json()) == {"code", "message", "fields"}
        assert answer.json()["fields"]
    for body in ({"quarantineProps": {"colour": 1}}, {"spamScore": "high"}, {"quarantineProps": {"duration": 0}}, {"name": ""}):
        assert sysadmin.patch(path, json=body).status_code == 400


def test_two_policies_of_a_domain_have_two_names(sysadmin, nordwind):
    body = {"name": "Geschäftsleitung", "quarantine": True, "retention": False, "incoming": True}
    assert sysadmin.post(f"/domains/{nordwind.uid}/policies", json=body).status_code == 409
    made = sysadmin.post(f"/domains/{nordwind.uid}/policies", json={**body, "name": "Lager"})
    assert sysadmin.get(made.headers["Location"]).json() == made.json()
    assert sysadmin.patch(f"/domains/{nordwind.uid}", json={"policyId": made.json()["id"]}).status_code == 204
    assert sysadmin.get(f"/domains/{nordwind.uid}").json()["policy"]["name"] == "Lager"
    assert sysadmin.patch(f"/domains/{nordwind.uid}", json={"policyId": "zzzzz"}).status_code == 422


# --- Aliases: addDomainAlias, editDomainAliases, deleteDomainAlias


@pytest.mark.parametrize("name", ["nordwind.example", "alpenmilch.example", "NORDWIND.test", "altmilch.example"])
def test_a_name_is_given_once(sysadmin, alpenmilch, name):
    path = f"/domains/{alpenmilch.uid}/aliases"
    assert sysadmin.post(path, json=["frei.example", name]).status_code == 409
    assert sysadmin.put(path, json=["frei.example", name]).status_code == 409
    assert sysadmin.get(path).json() == []
    assert sysadmin.post(path, json=["zwei.example", "zwei.example"]).status_code == 409


def test_all_aliases_become_those_that_are_sent(sysadmin, nordwind):
    path = f"/domains/{nordwind.uid}/aliases"
    kept = next(row for row in sysadmin.get(path).json() if row["name"] == "nordwind.test")
    assert sysadmin.put(path, json=["nordwind.test", "Grün.example"]).status_code == 204
    assert sysadmin.get(path).json() == [kept, {"id": sysadmin.get(path).json()[1]["id"], "name": "xn--grn-ioa.example"}]
    for body in (["no name"], "x", [5], {"a": 1}):
        assert sysadmin.put(path, json=body).status_code == 400
    assert sysadmin.delete(f"{path}/{kept['id']}").status_code == 204
    assert sysadmin.delete(f"{path}/{kept['id']}").status_code == 404


# --- Options: listDomainOptions, setDomainOption, deleteDomainOption, listUserOptions, setUserOption, deleteUserOption


def options(who, path):
    return {line["option"]["name"]: (line["value"], line["parentValue"]) for line in who.get(path).json()}


def test_an_option_is_inherited_from_the_platform_down_to_the_user(sysadmin, keller, nordwind):
    user, domain = f"/users/{keller.uid}/options", f"/domains/{nordwind.uid}/options"
    scope = OptionValue.Scope
    assert options(sysadmin, user)["REPORT_FREQUENCY"] == (None, "DAILY")
    OptionValue.objects.create(scope=scope.PLATFORM, key="", name="REPORT_FREQUENCY", value="NEVER")
    assert options(sysadmin, user)["REPORT_FREQUENCY"] == (None, "NEVER")
    OptionValue.objects.create(scope=scope.PLATFORM, key="", name="APP_URL", value="mail.gateway.example")
    OptionValue.objects.create(scope=scope.URL, key="mail.gateway.example", name="REPORT_FREQUENCY", value="WEEKLY")
    assert options(sysadmin, domain)["REPORT_FREQUENCY"] == (None, "WEEKLY")
    OptionValue.objects.create(scope=scope.CUSTOMER, key=str(nordwind.customer_id), name="REPORT_FREQUENCY", value="DAILY")
    assert options(sysadmin, domain)["REPORT_FREQUENCY"] == (None, "DAILY")
    assert sysadmin.post(domain, json={"name": "REPORT_FREQUENCY", "value": "WEEKLY"}).json()["value"] == "WEEKLY"
    assert options(sysadmin, domain)["REPORT_FREQUENCY"] == ("WEEKLY", "DAILY")
    assert options(sysadmin, user)["REPORT_FREQUENCY"] == (None, "WEEKLY")
    assert sysadmin.post(user, json={"name": "REPORT_FREQUENCY", "value": "NEVER"}).status_code == 201
    assert options(sysadmin, user)["REPORT_FREQUENCY"] == ("NEVER", "WEEKLY")
    assert sysadmin.delete(f"{user}/REPORT_FREQUENCY").status_code == 204
    assert sysadmin.delete(f"{domain}/REPORT_FREQUENCY").status_code == 204
    assert options(sysadmin, user)["REPORT_FREQUENCY"] == (None, "DAILY")


def test_a_restricted_option_is_for_system_administrators(admin, sysadmin, nordwind):
    path = f"/domains/{nordwind.uid}/options"
    body = {"name": "APP_URL", "value": "mail.nordwind.example"}
    assert admin.post(path, json=body).status_code == 403
    assert sysadmin.post(path, json=body).status_code == 201
    assert admin.delete(f"{path}/APP_URL").status_code == 403
    assert sysadmin.delete(f"{path}/APP_URL").status_code == 204


@pytest.mark.parametrize(("name", "good", "wrong"), [
    ("REPORT_FREQUENCY", "WEEKLY", "HOURLY"), ("REPORT_ON", "false", "perhaps"), ("APP_COLOR", "#00ff7f", "green"),
    ("DOMAIN_ADMIN", "it@nordwind.example", "it"), ("APP_URL", "mail.example", "https://mail.example"),
    ("APP_HELP", "https://help.example/", "javascript:alert(1)"), ("TIME_ZONE", "Europe/Paris", "Paris"),
    ("USER_GREETING", "x", "y"), ("NOTHING", "x", "y"),
])
def test_a_value_is_one_of_its_type(sysadmin, nordwind, name, good, wrong):
    path = f"/domains/{nordwind.uid}/options"
    settable = name not in ("USER_GREETING", "NOTHING")
    assert sysadmin.post(path, json={"name": name, "value": good}).status_code == (201 if settable else 400)
    assert sysadmin.post(path, json={"name": name, "value": wrong}).status_code == 400
    assert sysadmin.delete(f"{path}/{name}").status_code == (204 if settable else 404)


@pytest.mark.parametrize(("network", "status"), [
    ("192.0.2.0/24", 204), ("192.0.2.7/32", 204), ("2001:db8::/48", 400), ("192.0.2.7", 400), ("192.0.2.0/33", 400), ("a.b.c.d/y", 400),
])
def test_a_network_has_the_required_format(sysadmin, nordwind, network, status):
    """"List of hosts allowed to send messages (required format: a.b.c.d/y)" (r:6026)."""
    assert sysadmin.patch(f"/domains/{nordwind.uid}", json={"outgoingSubnets": [network]}).status_code == status
