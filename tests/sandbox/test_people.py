"""Users, groups, signatures, administrators and their tokens."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from sandbox.models import Account, Customer, Domain, Grant, Policy, SenderRule, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


def new(customer: Customer, **more):
    return {"name": "neu.example", "status": "ENABLED", "quarantine": True, "retention": False, "archive": False,
            "defaultLanguage": "DE", "customerId": customer.uid, **more}


# --- Users: createUser, editUser, deleteUser


def test_a_user_is_made_in_the_domain_of_its_address(admin, nordwind):
    body = {"email": "Neu@Nordwind.example", "status": "ENABLED", "domainId": nordwind.uid, "firstname": "N", "sign": "<b>N</b>"}
    made = admin.post("/users", json=body)
    assert made.status_code == 201
    assert admin.get(made.headers["Location"]).json() == made.json()
    assert (made.json()["email"], made.json()["language"]) == ("neu@nordwind.example", "DE")
    sign = admin.get(made.headers["Location"] + "/sign").json()["sign"]
    assert base64.b64decode(sign) == b"<b>N</b>"
    assert admin.post("/users", json=body).status_code == 409


@pytest.mark.parametrize(("status", "more"), [
    (400, {"email": "nobody"}), (400, {"email": "a@elsewhere.example"}), (400, {"domainId": "zzzzz"}), (400, {"sing": "x"}),
    (422, {"policyId": "zzzzz"}), (422, {"platformId": "zzzzz"}), (422, {"authId": "x"}), (400, {"status": "DELETED"}),
    (400, {"password": "short"}), (400, {"domainId": None}),
])
def test_a_user_that_cannot_be_made_is_explained(admin, nordwind, status, more):
    body = {"email": "neu@nordwind.example", "status": "ENABLED", "domainId": nordwind.uid, **more}
    answer = admin.post("/users", json=body)
    assert answer.status_code == status
    assert answer.json()["fields"]
    assert not User.objects.filter(email="neu@nordwind.example").exists()


def test_a_user_of_another_customers_domain_is_refused_like_one_of_none(admin, alpenmilch):
    body = {"email": "neu@alpenmilch.example", "status": "ENABLED", "domainId": alpenmilch.uid}
    unknown = admin.post("/users", json={**body, "domainId": "zzzzz"})
    assert (answer := admin.post("/users", json=body)).status_code == 400
    assert answer.content == unknown.content


def test_editing_a_user_changes_what_is_sent_and_nothing_else(admin, keller, nordwind):
    path = f"/users/{keller.uid}"
    before = admin.get(path).json()
    other = Policy.objects.get(name="Geschäftsleitung")
    assert admin.patch(path, json={"lastname": "Stark", "language": "es", "policyId": other.uid}).status_code == 204
    found = admin.get(path).json()
    assert found["policy"]["name"] == "Geschäftsleitung"
    assert {**found, "policy": before["policy"]} == before | {"lastname": "Stark", "language": "ES"}
    assert admin.patch(path, json={"policyId": None, "email": "anna.stark@nordwind.example"}).status_code == 204
    assert admin.get(path).json()["policy"] == before["policy"]
    taken, away = {"email": "beat.zurbriggen@nordwind.example"}, {"email": "a@b.example"}
    for body in (taken, away, {"mfaType": "TOTP"}, {"policyId": "zzzzz"}):
        assert admin.patch(path, json=body).status_code == 400
    assert admin.patch(path, json={"mfaType": "NONE"}).status_code == 204


def test_a_user_moves_with_its_address(admin, keller):
    there = Domain.objects.get(name="nordwind-hafen.example")
    path = f"/users/{keller.uid}"
    assert admin.patch(path, json={"domainId": there.uid}).status_code == 400
    assert admin.patch(path, json={"domainId": there.uid, "email": "anna@nordwind-hafen.example"}).status_code == 204
    assert admin.get(path).json()["domainId"] == there.uid


def test_a_deleted_user_is_gone_with_everything(admin, anna, keller):
    rules = SenderRule.objects.filter(user=keller).count()
    assert rules
    assert admin.delete(f"/users/{keller.uid}").status_code == 204
    assert admin.get(f"/users/{keller.uid}").status_code == 404
    assert anna.get("/users").status_code == 401
    assert not SenderRule.objects.filter(user_id=keller.pk).exists()


# --- Groups: createEmailAlias, editEmailAlias, addAddressesToEmailAlias, deleteEmailAliasRecipient, deleteEmailAlias


def group(who, nordwind, name, *recipients):
    made = who.post(f"/domains/{nordwind.uid}/groups", json={"email": f"{name}@nordwind.example", "recipients": list(recipients)})
    assert made.status_code == 201, made.text
    return made


def test_a_group_distributes_to_users_groups_and_strangers(admin, nordwind, keller):
    group(admin, nordwind, "leitung", "martin.nordwind@nordwind.example")
    recipients = (keller.email.upper(), "leitung@nordwind.example", "extern@partner.example", keller.email)
    made = group(admin, nordwind, "alle", *recipients)
    assert [(line["type"], line["firstname"]) for line in made.json()["recipients"]] == [
        ("USER", None), ("ALIAS", None), ("EXTERNAL_ADDRESS", None),
    ]
    assert admin.get(made.headers["Location"]).json()["recipients"][0]["firstname"] == "Anna"
    listed = admin.get(f"/domains/{nordwind.uid}/groups", params={"recipient": "extern@*"})
    assert [line["email"] for line in listed.json()] == ["alle@nordwind.example"]


def test_no_group_leads_back_to_itself(admin, nordwind):
    path = f"/domains/{nordwind.uid}/groups"
    assert admin.post(path, json={"email": "a@nordwind.example", "recipients": ["a@nordwind.example"]}).status_code == 422
    group(admin, nordwind, "a", "b@nordwind.example")  # nobody has that address yet
    group(admin, nordwind, "c", "a@nordwind.example")
    b = group(admin, nordwind, "b", "x@partner.example").json()["id"]
    answer = admin.post(f"{path}/{b}/addresses", json=["y@partner.example", "c@nordwind.example"])
    assert answer.status_code == 400
    assert answer.json()["fields"] == {"recipients": "leads back to the group"}
    assert admin.patch(f"{path}/{b}", json={"recipients": ["a@nordwind.example"]}).status_code == 400
    assert [line["email"] for line in admin.get(f"{path}/{b}").json()["recipients"]] == ["x@partner.example"]


def test_an_address_belongs_to_one_user_or_one_group(admin, nordwind, keller):
    path = f"/domains/{nordwind.uid}/groups"
    made = group(admin, nordwind, "team", "x@partner.example")
    for email in ("team@nordwind.example", keller.email):
        assert admin.post(path, json={"email": email}).status_code == 409
    body = {"email": "team@nordwind.example", "status": "ENABLED", "domainId": nordwind.uid}
    assert admin.post("/users", json=body).status_code == 409
    for email in ("team@partner.example", "team", ""):
        assert admin.post(path, json={"email": email}).status_code == 400
    assert admin.patch(made.headers["Location"], json={"email": keller.email}).status_code == 400


def test_a_group_that_is_renamed_or_deleted_is_so_in_other_groups(admin, nordwind, keller):
    inner = group(admin, nordwind, "inner", keller.email)
    outer = group(admin, nordwind, "outer", "inner@nordwind.example", keller.email).headers["Location"]
    assert admin.patch(inner.headers["Location"], json={"email": "core@nordwind.example"}).status_code == 204
    assert [line["email"] for line in admin.get(outer).json()["recipients"]] == ["core@nordwind.example", keller.email]
    assert admin.delete(f"/groups/{inner.json()['id']}").status_code == 204
    assert admin.delete(f"/users/{keller.uid}").status_code == 204
    assert admin.get(outer).json()["recipients"] == []


# --- Signatures: getSign, setSign, deleteSign


def test_a_signature_is_base64_of_html(anna, keller):
    path = f"/users/{keller.uid}/sign"
    assert anna.get(path).status_code == 404
    text = base64.b64encode("<b>Grüße</b>".encode()).decode()
    answer = anna.put(path, json={"sign": text})
    assert (answer.status_code, answer.content) == (200, b"")
    assert anna.get(path).json() == {"sign": text}
    for wrong in ("<b>", "/////w==", 5, None):
        assert anna.put(path, json={"sign": wrong}).status_code == 400
    assert anna.delete(path).status_code == 204
    Policy.objects.update(quarantine=False, retention=False, archive=False)
    answers = (anna.get(path), anna.put(path, json={"sign": text}), anna.delete(path))
    assert [answer.status_code for answer in answers] == [400, 400, 400]


# --- Administrators and tokens


def test_nobody_passes_on_or_takes_away_what_they_do_not_hold(account, nordwind):
    small = account("small@nordwind.example", "DOMAIN", nordwind.pk, ("DOMAIN_VIEW", "GRANT"))
    path = f"/domains/{nordwind.uid}/admins"
    body = {"login": "x@nordwind.example", "displayName": "X", "email": "x@nordwind.example", "password": "long enough",
            "enabled": True, "language": "DE", "permissions": ["DOMAIN_EDIT"]}
    assert small.post(path, json=body).status_code == 403
    assert small.post(path, json={**body, "permissions": ["FLY"]}).status_code == 400
    made = small.post(path, json={**body, "permissions": ["DOMAIN_VIEW"]})
    assert made.status_code == 201
    assert made.json()["authorities"][0]["permissions"] == ["DOMAIN_VIEW"]
    assert "password" not in made.text
    one = f"{path}/{made.json()['id']}"
    Grant.objects.filter(account__login="x@nordwind.example").update(permissions=["DOMAIN_VIEW", "DOMAIN_EDIT"])
    assert small.delete(one).status_code == 403
    assert small.put(f"{one}/authorities", json=["DOMAIN_VIEW"]).status_code == 403
    assert small.patch(f"/security/admins/{made.json()['id']}", json={"password": "stolen away"}).status_code == 403
    assert small.put(f"{one}/authorities", json=["DOMAIN_VIEW", "DOMAIN_EDIT", "GRANT"]).status_code == 204


def test_an_administrator_without_any_access_is_gone(sysadmin, nordwind, alpenmilch):
    made = Account.objects.create(login="two@nordwind.example")
    for domain in (nordwind, alpenmilch):
        Grant.objects.create(account=made, scope_type="DOMAIN", scope_id=domain.pk, permissions=["DOMAIN_VIEW"])
    assert sysadmin.delete(f"/domains/{nordwind.uid}/admins/{made.uid}").status_code == 204
    assert sysadmin.get(f"/security/admins/{made.uid}").json()["authoritiesCount"] == 1
    assert sysadmin.delete(f"/domains/{alpenmilch.uid}/admins/{made.uid}").status_code == 204
    assert sysadmin.get(f"/security/admins/{made.uid}").status_code == 404


def test_one_sees_of_an_administrator_what_one_manages(admin, sysadmin, nordwind, alpenmilch):
    made = Account.objects.create(login="both@nordwind.example")
    for domain in (nordwind, alpenmilch):
        Grant.objects.create(account=made, scope_type="DOMAIN", scope_id=domain.pk, permissions=["DOMAIN_VIEW"])
    assert admin.get(f"/security/admins/{made.uid}").json()["authoritiesCount"] == 1
    assert sysadmin.get(f"/security/admins/{made.uid}").json()["authoritiesCount"] == 2
    assert "alpenmilch" not in admin.get("/security/admins", params={"search": "both"}).text
    assert sysadmin.get("/security/admins", params={"search": "*BOTH*"}).headers["X-Total-Count"] == "1"


def test_a_token_is_shown_once_and_works_until_it_is_revoked(anna, keller):
    me = Account.objects.get(user=keller).uid
    made = anna.post(f"/admins/{me}/tokens", json={"name": "script"}).json()
    assert len(made["value"]) == 32
    listed = anna.get(f"/admins/{me}/tokens").json()
    assert [line["name"] for line in listed] == ["end user", "script"]
    assert all("value" not in line for line in listed)
    assert "expiration" not in listed[1]
    assert anna.get("/users", headers={"Authorization": f"Bearer {made['value']}"}).status_code == 200
    assert "lastUse" in anna.get(f"/admins/{me}/tokens").json()[1]
    assert anna.delete(f"/admins/{me}/tokens/{made['id']}").status_code == 204
    assert anna.get("/users", headers={"Authorization": f"Bearer {made['value']}"}).status_code == 401
    past = int((timezone.now() - timedelta(days=1)).timestamp() * 1000)
    for wrong in ({"name": "x", "expiration": past}, {"name": ""}, {}, {"name": "x", "expiration": 10**30}):
        assert anna.post(f"/admins/{me}/tokens", json=wrong).status_code == 400


def test_end_users_may_do_what_their_domain_lets_them(admin, anna, keller, nordwind):
    path = f"/domains/{nordwind.uid}/access"
    assert admin.put(path, json=["MAIL_VIEW", "USER_EDIT"]).status_code == 204
    assert {line["name"]: line["enabled"] for line in admin.get(path).json()} == {
        "USER_EDIT": True, "MAIL_VIEW": True, "MAIL_RELEASE": False, "RULE_VIEW": False, "RULE_EDIT": False,
    }
    assert anna.get(f"/users/{keller.uid}/wblist").status_code == 403
    assert anna.patch(f"/users/{keller.uid}", json={"firstname": "A"}).status_code == 204
    for wrong in (["GRANT"], ["FLY"], "x", [1]):
        assert admin.put(path, json=wrong).status_code == 400


def test_a_group_does_not_lead_back_to_itself_under_another_name_of_its_domain(admin, nordwind):
    path = f"/domains/{nordwind.uid}/groups"
    first, second = (
        admin.post(path, json={"email": f"{name}@nordwind.example", "recipients": [to]}).json()
        for name, to in (("first", "second@nordwind.test"), ("second", "x@partner.example"))
    )
    for body in (["first@nordwind.example"], ["first@nordwind.test"], ["second@nordwind-ag.example"]):
        answer = admin.post(f"{path}/{second['id']}/addresses", json=body)
        assert answer.status_code == 400
        assert answer.json()["fields"] == {"recipients": "leads back to the group"}
    assert [one["email"] for one in admin.get(f"{path}/{second['id']}").json()["recipients"]] == ["x@partner.example"]
    assert admin.patch(f"{path}/{first['id']}", json={"recipients": ["first@later.example"]}).status_code == 204
    aliases = f"/domains/{nordwind.uid}/aliases"
    assert admin.post(aliases, json=["later.example"]).status_code == 409
    assert admin.post(aliases, json=["sooner.example"]).status_code == 201
