"""Sender rules of domains and mailboxes, one set of rules for both."""

import time

import pytest

from sandbox import seed
from sandbox.models import SenderRule, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])

ALLOW = {"value": "daenerys@partner.example", "type": "ALLOW", "spfOn": True}
BLOCK = {"value": "baelish.example", "type": "BLOCK"}


def later(days: int = 30) -> int:
    return int(time.time() + days * 86400) * 1000


@pytest.fixture(params=["domain", "user"])
def owner(request, nordwind, keller):
    """A domain, then a mailbox: everything holds for both."""
    return nordwind if request.param == "domain" else keller


@pytest.fixture
def path(owner):
    return f"/domains/{owner.uid}/wblist" if hasattr(owner, "policies") else f"/users/{owner.uid}/wblist"


def test_new_rules_come_back_complete_with_the_address_of_the_list(admin, owner, path):
    body = [{**ALLOW, "value": "Daenerys@Partner.example"}, {**BLOCK, "expireAt": later(), "description": "he's a traitor"}]
    answer = admin.post(path, json=body)
    assert answer.status_code == 201
    assert answer.headers["Location"] == path
    allow, block = answer.json()
    assert (allow["value"], allow["owner"], allow["spfOn"]) == ("daenerys@partner.example", str(owner), True)
    assert (allow["expireAt"], allow["description"]) == (None, None)
    assert (block["expireAt"], block["description"], block["spfOn"]) == (body[1]["expireAt"], "he's a traitor", None)
    assert abs(allow["createdDate"] - time.time() * 1000) < 60_000
    listed = {rule["id"]: rule for rule in admin.get(path).json()}
    assert [listed[allow["id"]], listed[block["id"]]] == [allow, block]


def test_spf_counts_on_allow_only(admin, path):
    answer = admin.post(path, json=[{**BLOCK, "spfOn": True}, {"value": "x.example", "type": "PROTECTED", "spfOn": False}])
    assert [rule["spfOn"] for rule in answer.json()] == [None, None]


def test_an_empty_array_adds_nothing(admin, owner, path):
    before = owner.sender_rules.count()
    answer = admin.post(path, json=[])
    assert (answer.status_code, answer.json()) == (201, [])
    assert owner.sender_rules.count() == before


@pytest.mark.parametrize(("change", "field"), [
    *(({"value": value}, "value") for value in (
        "no address", "@x.example", "a@", "localhost", "*.example", "a@b@c.example", "-x.example", "", "x.example\n",
        "a b@x.example", "x..example", "192.0.2.1", "x" * 64 + ".example", "<script>@x.example", ("a" * 60 + ".") * 5 + "example",
        7, None, [], {},
    )),
    ({"type": "MAYBE"}, "type"), ({"type": "allow"}, "type"), ({"type": None}, "type"), ({"type": []}, "type"),
    ({"spfOn": None}, "spfOn"), ({"spfOn": "yes"}, "spfOn"), ({"spfOn": 1}, "spfOn"),
    ({"expireAt": 1}, "expireAt"), ({"expireAt": "tomorrow"}, "expireAt"), ({"expireAt": 10**30}, "expireAt"),
    ({"expireAt": True}, "expireAt"), ({"expireAt": 1.5}, "expireAt"), ({"description": 5}, "description"),
])
def test_a_rule_that_makes_no_sense_is_422_with_the_field_and_nothing_is_written(admin, owner, path, change, field):
    before = owner.sender_rules.count()
    answer = admin.post(path, json=[BLOCK, {**ALLOW, **change}])
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]
    assert "Rule 2" in answer.json()["message"]
    assert owner.sender_rules.count() == before


@pytest.mark.parametrize("missing", ["value", "type", "spfOn"])
def test_a_rule_without_what_it_needs_is_422(admin, path, missing):
    answer = admin.post(path, json=[{name: value for name, value in ALLOW.items() if name != missing}])
    assert answer.status_code == 422
    assert missing in answer.json()["fields"]


@pytest.mark.parametrize("value", [
    "x.example", "a.b-c.example", "jürg@müller.example", "o'brien+tag@x.example", "xn--mller-kva.example", "A@X.EXAMPLE",
    "a@" + "b" * 63 + ".example",
])
def test_addresses_and_domains_of_every_kind_are_taken(admin, path, value):
    assert admin.post(path, json=[{**BLOCK, "value": value}]).json()[0]["value"] == value.lower()


@pytest.mark.parametrize("body", [
    b"", b"{", b"\xff", b'"text"', b"null", b'{"value": "x.example", "type": "BLOCK"}', b'[{"value": "\\ud800"}]',
])
def test_a_body_that_is_no_array_is_400(admin, path, body):
    for method in ("POST", "PUT"):
        assert admin.request(method, path, content=body).status_code == 400


def test_an_item_that_is_no_object_is_422(admin, path):
    assert admin.post(path, json=["x.example"]).status_code == 422


def test_the_same_rule_again_is_409_and_nothing_is_written(admin, owner, path):
    assert admin.post(path, json=[BLOCK]).status_code == 201
    before = owner.sender_rules.count()
    for body in ([BLOCK], [ALLOW, {**BLOCK, "value": "BAELISH.example", "description": "again"}], [ALLOW, ALLOW]):
        answer = admin.post(path, json=body)
        assert answer.status_code == 409
        assert "value" in answer.json()["fields"]
    assert owner.sender_rules.count() == before
    assert admin.post(path, json=[{**BLOCK, "type": "PROTECTED"}]).status_code == 201


def test_the_same_rule_of_another_owner_is_another_rule(admin, nordwind, keller):
    assert admin.post(f"/domains/{nordwind.uid}/wblist", json=[BLOCK]).status_code == 201
    assert admin.post(f"/users/{keller.uid}/wblist", json=[BLOCK]).status_code == 201
    busy = User.objects.get(email=seed.BUSY)
    assert admin.post(f"/users/{busy.uid}/wblist", json=[BLOCK]).status_code == 201


def test_an_owner_edits_its_own_rules(anna, keller):
    path = f"/users/{keller.uid}/wblist"
    made = anna.post(path, json=[ALLOW]).json()[0]
    assert anna.put(f"{path}/{made['id']}", json=BLOCK).status_code == 200
    assert anna.delete(f"{path}/{made['id']}").status_code == 204
    assert anna.put(path, json=[]).json() == []
    assert anna.get(path).json() == []


def test_an_end_user_does_not_touch_the_rules_of_its_domain_or_of_others(anna, nordwind):
    busy = User.objects.get(email=seed.BUSY)
    assert anna.get(f"/domains/{nordwind.uid}/wblist").status_code == 403
    assert anna.post(f"/domains/{nordwind.uid}/wblist", json=[ALLOW]).status_code == 403
    assert anna.post(f"/users/{busy.uid}/wblist", json=[ALLOW]).status_code == 404


def test_an_updated_rule_is_as_sent_and_keeps_its_id_and_birthday(admin, owner, path):
    made = admin.post(path, json=[{**ALLOW, "description": "old", "expireAt": later()}]).json()[0]
    answer = admin.put(f"{path}/{made['id']}", json={"value": "Done@Stark.example", "type": "BLOCK"})
    assert answer.status_code == 200
    assert answer.json() == {
        "id": made["id"], "value": "done@stark.example", "owner": str(owner), "type": "BLOCK", "createdDate": made["createdDate"],
        "expireAt": None, "description": None, "spfOn": None,
    }
    assert answer.json() in admin.get(path).json()


def test_an_update_is_checked_like_a_new_rule(admin, path):
    first, second = admin.post(path, json=[ALLOW, BLOCK]).json()
    assert admin.put(f"{path}/{second['id']}", json={**ALLOW, "spfOn": False}).status_code == 409
    assert admin.put(f"{path}/{first['id']}", json={**ALLOW, "description": "same rule, new text"}).status_code == 200
    answer = admin.put(f"{path}/{second['id']}", json={"value": "nonsense", "type": "ALLOW"})
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"value", "spfOn"}


def test_a_deleted_rule_is_gone(admin, owner, path):
    made = admin.post(path, json=[BLOCK]).json()[0]
    assert admin.delete(f"{path}/{made['id']}").status_code == 204
    assert admin.delete(f"{path}/{made['id']}").status_code == 404
    assert admin.put(f"{path}/{made['id']}", json=BLOCK).status_code == 404
    assert not owner.sender_rules.filter(value=BLOCK["value"]).exists()


def test_a_rule_is_only_reached_through_its_owner(admin, nordwind, keller):
    rule = keller.sender_rules.first()
    busy = User.objects.get(email=seed.BUSY)
    for path in (f"/domains/{nordwind.uid}/wblist/{rule.uid}", f"/users/{busy.uid}/wblist/{rule.uid}"):
        assert admin.delete(path).status_code == 404
        assert admin.put(path, json=BLOCK).status_code == 404
    assert SenderRule.objects.filter(pk=rule.pk).exists()


def test_setting_the_rules_replaces_all_of_them_and_no_others(admin, owner, path):
    others = SenderRule.objects.exclude(pk__in=owner.sender_rules.values("pk")).count()
    answer = admin.put(path, json=[ALLOW, BLOCK])
    assert answer.status_code == 200
    assert [rule["value"] for rule in answer.json()] == [ALLOW["value"], BLOCK["value"]]
    assert admin.get(path).json() == answer.json()
    assert SenderRule.objects.count() == others + 2
    assert admin.put(path, json=[BLOCK]).status_code == 200  # the same rule again replaces itself


@pytest.mark.parametrize(("body", "status"), [([ALLOW, ALLOW], 409), ([BLOCK, {"value": "x", "type": "BLOCK"}], 422)])
def test_a_set_that_is_refused_leaves_the_old_rules(admin, owner, path, body, status):
    before = list(owner.sender_rules.values())
    assert admin.put(path, json=body).status_code == status
    assert list(owner.sender_rules.values()) == before
    assert before


def test_rules_are_filtered_by_type_or_by_value(admin, nordwind):
    path = f"/domains/{nordwind.uid}/wblist"

    def values(**query: str) -> list[str]:
        return [rule["value"] for rule in admin.get(path, params=query).json()]

    assert values(type="BLOCK") == ["leads-and-more.example"]
    assert values(type="PROTECTED") == ["martin.nordwind@nordwind.example"]
    assert values(value="MESSE.example") == ["messe.example"]
    assert values(value="*@nordwind*") == ["martin.nordwind@nordwind.example"]
    assert values(value="messe") == []
    assert admin.get(path, params={"type": "BLOCK", "value": "x"}).status_code == 400
    assert admin.get(path, params={"owner": "x"}).status_code == 400


def test_rules_are_sorted_and_paged(admin, nordwind, keller):
    path = f"/domains/{nordwind.uid}/wblist"
    every = [rule["value"] for rule in admin.get(path, params={"sort": "value"}).json()]
    assert every == sorted(every)
    assert len(every) == 5
    page = admin.get(path, params={"sort": "-value", "offset": 1, "pageSize": 2}).json()
    assert [rule["value"] for rule in page] == every[::-1][1:3]
    assert admin.get(path, params={"pageSize": 2}).headers["X-Total-Count"] == "5"
    assert admin.get(path, params={"sort": "spfOn"}).status_code == 400
    in_order = [rule.uid for rule in keller.sender_rules.order_by("pk")]
    assert [rule["id"] for rule in admin.get(f"/users/{keller.uid}/wblist").json()] == in_order


def test_entries_go_to_the_owner_that_each_one_names(admin, nordwind, keller):
    body = [{**ALLOW, "owner": "Nordwind.example"}, {**BLOCK, "owner": seed.ANNA.upper()}]
    answer = admin.post("/wblist", json=body)
    assert answer.status_code == 201
    assert [rule["owner"] for rule in answer.json()] == ["nordwind.example", seed.ANNA]
    assert nordwind.sender_rules.filter(value=ALLOW["value"]).exists()
    assert keller.sender_rules.filter(value=BLOCK["value"]).exists()


@pytest.mark.parametrize("owner", [
    "nowhere.example", "nobody@nordwind.example", "alpenmilch.example", "lea.amsler@alpenmilch.example", "", None, 5,
])
def test_an_entry_for_nobody_or_for_another_customer_is_422_and_nothing_is_written(admin, owner):
    before = SenderRule.objects.count()
    answer = admin.post("/wblist", json=[{**ALLOW, "owner": "nordwind.example"}, {**BLOCK, "owner": owner}])
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == ["owner"]
    assert "Rule 2" in answer.json()["message"]
    assert SenderRule.objects.count() == before


def test_entries_are_checked_like_rules(admin):
    twice = [{**ALLOW, "owner": seed.ANNA}] * 2
    assert admin.post("/wblist", json=twice).status_code == 409
    assert admin.post("/wblist", json=[{"owner": seed.ANNA, "type": "ALLOW", "value": "x"}]).status_code == 422
    assert admin.post("/wblist", json=[7]).status_code == 422
    assert admin.post("/wblist", json={}).status_code == 400


def test_an_end_user_adds_entries_for_itself_and_for_nobody_else(anna):
    assert anna.post("/wblist", json=[{**ALLOW, "owner": seed.ANNA}]).status_code == 201
    assert anna.post("/wblist", json=[{**ALLOW, "owner": "nordwind.example"}]).status_code == 403
    assert anna.post("/wblist", json=[{**ALLOW, "owner": seed.BUSY}]).status_code == 422


def test_a_rule_whose_time_is_over_makes_room_for_a_new_one(admin, nordwind):
    path = f"/domains/{nordwind.uid}/wblist"
    old = admin.post(path, json=[{**BLOCK, "value": "over.example", "expireAt": later()}]).json()[0]
    other = admin.post(path, json=[{**ALLOW, "value": "over.example"}]).json()[0]
    assert admin.post(path, json=[{**BLOCK, "value": "over.example"}]).status_code == 409
    SenderRule.objects.filter(pk=SenderRule.key(old["id"])).update(expire_at="2026-01-01T00:00Z")
    assert old["id"] in [rule["id"] for rule in admin.get(path).json()]
    new = admin.post(path, json=[{**BLOCK, "value": "over.example"}])
    assert new.status_code == 201
    listed = {rule["id"] for rule in admin.get(path).json()}
    assert {new.json()[0]["id"], other["id"]} <= listed
    assert old["id"] not in listed
    SenderRule.objects.filter(pk=SenderRule.key(new.json()[0]["id"])).update(expire_at="2026-01-01T00:00Z")
    assert admin.put(f"{path}/{other['id']}", json={**BLOCK, "value": "over.example"}).status_code == 200
    assert nordwind.sender_rules.filter(value="over.example").count() == 1
