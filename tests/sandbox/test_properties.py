"""Filters and sorts against what plain Python makes of the same rows, with hypothesis."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as bounds, strategies as st

from sandbox.models import User
from sandbox.users import SORT

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])
MODEST = bounds(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXT = st.one_of(
    st.sampled_from(["keller", "nordwind", "@", "%", "_", "\\", "50%", "a", "NORD", "*", "'", ";--", "ü"]),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
)


def pages(client: Any, path: str, size: int, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = client.get(path, params={**query, "offset": len(found), "pageSize": size})
        assert answer.status_code == 200, answer.text
        found += answer.json()
        if not answer.json():
            assert len(found) == int(answer.headers["X-Total-Count"])
            return found


@MODEST
@given(text=TEXT, starts=st.booleans(), ends=st.booleans())
def test_a_filter_finds_what_python_finds(sysadmin, text, starts, ends):
    pattern = ("*" if ends else "") + text + ("*" if starts else "")
    answer = sysadmin.get("/users", params={"email": pattern, "pageSize": 1000})
    stars_in_front, stars_behind = pattern.startswith("*"), pattern.endswith("*") and len(pattern) > 1
    wanted = pattern.removeprefix("*")
    wanted = (wanted.removesuffix("*") if stars_behind else wanted).lower()
    matches = {
        (True, True): lambda email: wanted in email, (True, False): lambda email: email.endswith(wanted),
        (False, True): lambda email: email.startswith(wanted), (False, False): lambda email: email == wanted,
    }[stars_in_front, stars_behind]
    expected = {email for email in User.objects.values_list("email", flat=True) if matches(email)}
    assert {row["email"] for row in answer.json()} == expected
    assert answer.headers["X-Total-Count"] == str(len(expected))


@MODEST
@given(
    key=st.sampled_from(sorted(SORT)), falling=st.booleans(), size=st.integers(1, 70),
    text=st.sampled_from(["", "*nordwind*", "*a*"]),
)
def test_pages_put_together_are_the_whole_list_in_order(sysadmin, key, falling, size, text):
    query = {"email": text} if text else {}
    found = pages(sysadmin, "/users", size, sort=("-" if falling else "") + key, **query)
    assert len({row["id"] for row in found}) == len(found)
    column = "id" if SORT[key] == "pk" else SORT[key]
    users = User.objects.in_bulk([User.key(row["id"]) for row in found])
    # Nothing comes before everything; equal rows are in the order of their making.
    values = {pk: getattr(user, column) for pk, user in users.items()}
    by = {pk: (value is not None, "" if value is None else value, pk) for pk, value in values.items()}
    order = [User.key(row["id"]) for row in found]
    assert order == sorted(order, key=by.__getitem__, reverse=falling)


@MODEST
@given(offset=st.integers(-5, 2**40), size=st.integers(-5, 2**40))
def test_any_offset_and_size_are_answered(sysadmin, offset, size):
    answer = sysadmin.get("/users", params={"offset": offset, "pageSize": size})
    assert answer.status_code == (200 if 0 <= offset < 2**31 and 1 <= size <= 10_000 else 400)


@MODEST
@given(text=TEXT)
def test_a_search_in_a_folder_finds_what_python_finds(anna, keller, box, text):
    rows = keller.folders.get(path="Quarantine").mails.values_list("fuglu_id", "message_id", "subject")
    answer = anna.get(box, params={"subject": text, "pageSize": 1000})
    assert {row["id"] for row in answer.json()} == {
        fuglu or message for fuglu, message, subject in rows if text.casefold() in subject.casefold()
    }
