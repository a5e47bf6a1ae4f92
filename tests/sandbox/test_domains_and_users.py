"""What a domain, a policy and a user look like."""

import pytest

from sandbox import seed
from sandbox.models import Broker, Customer, Domain, Policy, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


def test_a_domain_comes_with_its_policy_aliases_customer_and_platforms(admin, nordwind):
    found = admin.get(f"/domains/{nordwind.uid}").json()
    assert found["name"] == "nordwind.example"
    assert found["policy"]["id"] == nordwind.policy.uid
    assert [alias["name"] for alias in found["domainAliases"]] == [
        "nordwind-logistik.example", "nordwind.test", "nordwind-ag.example",
    ]
    assert found["customer"]["brokerId"] == nordwind.customer.broker.uid
    assert [platform["default"] for platform in found["platforms"]] == [True, False]
    assert found["outgoingProviders"][0]["spfProvider"] == "spf.mailversand.example"
    assert found["activeUsersCount"] == nordwind.users.filter(status="ENABLED").count()
    assert found["policiesCount"] == 2
    assert (found["quarantine"], found["retention"], found["archive"]) == (True, True, True)
    assert found["deletionDate"] is None


def test_users_who_are_not_active_are_not_counted_as_such(admin, nordwind):
    before = admin.get(f"/domains/{nordwind.uid}").json()["activeUsersCount"]
    User.objects.filter(email__in=(seed.ANNA, seed.EMPTY)).update(status="DISABLED")
    assert admin.get(f"/domains/{nordwind.uid}").json()["activeUsersCount"] == before - 2


def test_the_list_and_the_single_read_tell_the_same_of_a_domain(sysadmin):
    for row in sysadmin.get("/domains").json():
        assert sysadmin.get(f"/domains/{row['id']}").json() == row


def test_a_deleted_domain_tells_when_it_goes(sysadmin):
    row = sysadmin.get("/domains", params={"status": "DELETED"}).json()[0]
    assert row["creationDate"] < row["deletionDate"] < row["purgeDate"]


def test_a_domain_without_users_or_policies_is_shown_too(sysadmin, nordwind):
    bare = Domain.objects.create(customer=nordwind.customer, name="leer.example", creation_date=nordwind.creation_date)
    bare.policy = Policy.objects.create(domain=bare, name="leer", **seed.services())
    bare.save()
    found = sysadmin.get(f"/domains/{bare.uid}").json()
    assert (found["activeUsersCount"], found["domainAliases"], found["platforms"]) == (0, [], [])


def test_the_policies_of_a_domain_are_listed_by_name(helpdesk, nordwind):
    answer = helpdesk.get(f"/domains/{nordwind.uid}/policies")
    assert [policy["name"] for policy in answer.json()] == ["Geschäftsleitung", "Policy-nordwind.example"]
    assert answer.headers["X-Total-Count"] == "2"
    for policy in answer.json():
        assert policy["domainId"] == nordwind.uid
        assert helpdesk.get(f"/policies/{policy['id']}").json() == policy
    assert answer.json()[0]["archiveProps"]["duration"] == 120
    assert answer.json()[0]["retentionProps"] is None


def test_a_user_has_the_policy_and_platform_of_its_domain_unless_it_has_its_own(admin, keller, nordwind):
    plain = admin.get(f"/users/{keller.uid}").json()
    assert plain["policy"]["id"] == plain["domainPolicyId"] == nordwind.policy.uid
    assert plain["platform"]["id"] == plain["domainPlatformId"]
    boss = User.objects.get(email="martin.nordwind@nordwind.example")
    own = admin.get(f"/users/{boss.uid}").json()
    assert own["policy"]["name"] == "Geschäftsleitung"
    assert own["domainPolicyId"] == nordwind.policy.uid
    assert own["platform"]["name"] == "Exchange Zürich"
    assert own["domainPlatformId"] != own["platform"]["id"]
    assert own["domainStatus"] == "ENABLED"


def test_a_list_leaves_out_two_fields_that_a_single_read_shows_as_null(admin, keller):
    User.objects.filter(pk=keller.pk).update(mfa_type=None, last_connection_date=None)
    line = admin.get("/users", params={"email": seed.ANNA}).json()[0]
    single = admin.get(f"/users/{keller.uid}").json()
    assert (single["mfaType"], single["lastConnectionDate"]) == (None, None)
    assert {"mfaType", "lastConnectionDate"} == set(single) - set(line)


def test_the_users_of_a_domain_are_only_its_own(admin, nordwind):
    answer = admin.get(f"/domains/{nordwind.uid}/users", params={"pageSize": 100})
    assert {row["domainId"] for row in answer.json()} == {nordwind.uid}
    assert answer.headers["X-Total-Count"] == str(nordwind.users.count())


def test_hostile_names_come_back_as_they_are(admin):
    found = admin.get("/users", params={"email": seed.HOSTILE}).json()[0]
    assert found["firstname"] == "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("uid", [
    "00000", "x", "1", "a" * 300, "%00", "..%2f..%2fetc", "%C3%28", "'%20or%201=1--", "%2F", "%F0%9F%98%80",
])
def test_a_text_that_is_no_id_is_404(sysadmin, uid):
    for kind in ("domains", "users", "policies"):
        assert sysadmin.get(f"/{kind}/{uid}").status_code == 404


def test_an_id_is_five_letters_and_belongs_to_one_table():
    for key in (1, 2, 61, 62, 10**6, 900_000_000):
        assert Domain.key(Domain.uid_of(key)) == key
    ids = {model.uid_of(key) for model in (Domain, User, Policy, Customer, Broker) for key in range(1, 1000)}
    assert len(ids) == 5 * 999
    assert all(len(uid) == 5 and uid.isalnum() and uid.isascii() for uid in ids)


def test_a_users_id_is_no_domains_id(sysadmin, keller):
    assert sysadmin.get(f"/domains/{keller.uid}").status_code == 404
