"""Lists: one filter, order, pages (conventions.md, Rules)."""

import pytest

from sandbox import seed
from sandbox.models import Domain, User

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


def emails(answer):
    assert answer.status_code == 200
    return [row["email"] for row in answer.json()]


@pytest.mark.parametrize(("pattern", "expected"), [
    ("anna.keller@nordwind.example", [seed.ANNA]),
    ("ANNA.Keller@nordwind.example", [seed.ANNA]),
    ("anna.keller", []),
    ("anna.k*", [seed.ANNA]),
    ("*fo@nordwind.example", [seed.BUSY]),
    ("*.KELLER@*", [seed.ANNA]),
    ("keller*", []),
    ("50%_rabatt@nordwind.example", ["50%_rabatt@nordwind.example"]),
    ("50%*", ["50%_rabatt@nordwind.example"]),
    ("*%*", ["50%_rabatt@nordwind.example"]),
    ("*_*", ["50%_rabatt@nordwind.example"]),
    ("%", []),
    ("_nna.keller@nordwind.example", []),
    ("anna%", []),
    ("*\\*", []),
    ("*' or 1=1 --*", []),
    ("", []),
])
def test_a_filter_is_exact_or_has_stars_and_knows_no_other_wildcard(sysadmin, pattern, expected):
    assert emails(sysadmin.get("/users", params={"email": pattern})) == expected


def test_a_lone_star_is_everything(sysadmin):
    assert sysadmin.get("/users", params={"email": "*"}).headers["X-Total-Count"] == str(User.objects.count())


def test_case_does_not_count_beyond_ascii(sysadmin, nordwind):
    User.objects.create(domain=nordwind, email="jürg@nordwind.example", creation_date=nordwind.creation_date)
    for pattern in ("JÜRG@nordwind.example", "JÜR*", "*ÜRG@NORDWIND.example", "*ÜR*"):
        assert emails(sysadmin.get("/users", params={"email": pattern})) == ["jürg@nordwind.example"]


@pytest.mark.parametrize(("query", "expected"), [
    ({"name": "nordwind.example"}, ["nordwind.example"]),
    ({"name": "nordwind*"}, ["nordwind-hafen.example", "nordwind.example"]),
    ({"name": "*milch.EXAMPLE"}, ["alpenmilch.example", "altmilch.example"]),
    ({"status": "DELETED"}, ["altmilch.example"]),
    ({"status": "PENDING"}, ["alpenmilch-neu.example"]),
    ({"externalId": "rt-1001-1"}, ["nordwind.example"]),
    ({"externalId": "am_100%"}, ["alpenmilch.example"]),
    ({"externalId": "am*"}, ["alpenmilch.example"]),
    ({"externalId": "am_100_"}, []),
    ({"platformName": "Exchange*"}, ["nordwind.example"]),
    ({"platformName": "nowhere"}, []),
    ({"customerId": "00000"}, []),
    ({"platformId": "no id"}, []),
])
def test_domains_are_found_by_each_documented_filter(sysadmin, query, expected):
    answer = sysadmin.get("/domains", params=query)
    assert [row["name"] for row in answer.json()] == expected
    assert answer.headers["X-Total-Count"] == str(len(expected))


def test_domains_are_found_by_the_ids_of_their_customer_and_platform(sysadmin, nordwind):
    names = {row["name"] for row in sysadmin.get("/domains", params={"customerId": nordwind.customer.uid}).json()}
    assert names == {"nordwind.example", "nordwind-hafen.example", seed.IDN}
    platform = nordwind.platforms.get(default=False)
    assert [row["name"] for row in sysadmin.get("/domains", params={"platformId": platform.uid}).json()] == ["nordwind.example"]


def test_users_are_found_by_the_platform_in_force(sysadmin, nordwind):
    assert emails(sysadmin.get("/users", params={"platformName": "Exchange Zürich"})) == ["martin.nordwind@nordwind.example"]
    at_default = sysadmin.get(f"/domains/{nordwind.uid}/users", params={"platformName": "mailserver"})
    assert at_default.headers["X-Total-Count"] == str(nordwind.users.count() - 1)


def test_the_deprecated_name_filter_is_taken_and_ignored(sysadmin, nordwind):
    for path in ("/users", f"/domains/{nordwind.uid}/users"):
        plain = sysadmin.get(path)
        assert sysadmin.get(path, params={"name": "nobody at all"}).json() == plain.json()


@pytest.mark.parametrize("path", ["/users", "/domains"])
def test_a_second_filter_is_refused_and_both_are_named(sysadmin, path):
    first = "email" if path == "/users" else "status"
    answer = sysadmin.get(path, params={first: "x", "platformName": "y"})
    assert answer.status_code == 400
    assert set(answer.json()["fields"]) == {first, "platformName"}
    assert first in answer.json()["message"]
    assert "platformName" in answer.json()["message"]


def test_a_filter_given_twice_is_refused(sysadmin):
    assert sysadmin.get("/users?email=a*&email=b*").status_code == 400


@pytest.mark.parametrize("path", ["/users", "/domains"])
def test_an_unknown_parameter_is_refused_and_named(sysadmin, path):
    answer = sysadmin.get(path, params={"firstname": "Anna"})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["firstname"]


@pytest.mark.parametrize("query", [
    {"offset": "-1"}, {"offset": "x"}, {"offset": "1.5"}, {"offset": ""}, {"offset": "9" * 30}, {"offset": "٣"},
    {"pageSize": "0"}, {"pageSize": "-5"}, {"pageSize": "all"}, {"pageSize": str(2**31)},
    {"sort": "password"}, {"sort": "--email"}, {"sort": ""}, {"sort": "email,id"}, {"email": "x" * 1001},
])
def test_a_bad_page_order_or_value_is_refused_and_named(sysadmin, query):
    answer = sysadmin.get("/users", params=query)
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == list(query)


def test_a_page_is_forty_rows_unless_asked_for_and_the_total_counts_all(sysadmin):
    total = User.objects.count()
    assert total > 40
    first = sysadmin.get("/users")
    assert len(first.json()) == 40
    assert first.headers["X-Total-Count"] == str(total)
    assert first.headers["Access-Control-Expose-Headers"] == "X-Total-Count"
    assert len(sysadmin.get("/users", params={"offset": "40"}).json()) == total - 40
    assert len(sysadmin.get("/users", params={"pageSize": "1000"}).json()) == total
    beyond = sysadmin.get("/users", params={"offset": "5000"})
    assert (beyond.json(), beyond.headers["X-Total-Count"]) == ([], str(total))


def test_the_default_order_is_the_documented_one(sysadmin):
    names = [row["name"] for row in sysadmin.get("/domains").json()]
    assert names == sorted(names)
    found = emails(sysadmin.get("/users", params={"pageSize": "1000"}))
    assert found == sorted(found)


def test_a_minus_turns_the_order_round(sysadmin):
    names = [row["name"] for row in sysadmin.get("/domains", params={"sort": "-name"}).json()]
    assert names == sorted(names, reverse=True)
    by_id = [row["id"] for row in sysadmin.get("/domains", params={"sort": "id"}).json()]
    assert by_id == [domain.uid for domain in Domain.objects.order_by("pk")]


@pytest.mark.parametrize("sort", ["language", "-language", "status", "lastname", "-creationDate"])
def test_pages_of_equal_rows_neither_repeat_nor_lose_any(sysadmin, sort):
    pages = [sysadmin.get("/users", params={"sort": sort, "pageSize": 7, "offset": at}).json() for at in range(0, 70, 7)]
    found = [row["id"] for page in pages for row in page]
    assert len(found) == len(set(found)) == User.objects.count()


def test_a_list_costs_the_same_number_of_queries_whatever_its_length(sysadmin, django_assert_num_queries):
    sysadmin.get("/users")  # the first use of a token is written down
    for path, queries in (("/domains", 10), ("/users", 7)):
        for size in (1, 40):
            with django_assert_num_queries(queries, using="sandbox"):
                sysadmin.get(path, params={"pageSize": size})
