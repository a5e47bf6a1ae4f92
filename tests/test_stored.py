"""Whatever text is to be stored: the database gets what every database takes, in the length it has room for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.db import DataError, connection, models
from django.test import Client

from portal.audit.models import Entry
from portal.batches.models import Batch
from portal.stored import LongText, Text, storable
from tests.conftest import Gateway

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 30, tzinfo=UTC)
FIELDS = [
    field for model in apps.get_models() if model.__module__.startswith("portal.") for field in model._meta.concrete_fields
    if isinstance(field, models.CharField | models.TextField) and not field.choices
]
EVIL = {
    "NUL": "a\0b", "lone surrogates": "\ud800 \udfff", "control characters": "\x01\x1b[31m\x7f\x9b", "long": "x" * 100_000,
    "long and NUL": "\0" * 100_000, "letters beyond the plane": "😀" * 100_000,
}


@contextmanager
def strict() -> Iterator[None]:
    """A database that takes no NUL and no half character, as PostgreSQL does, and nobody's control characters."""
    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        for row in params if many else [params]:
            for value in row or ():
                if isinstance(value, str) and value != storable(value):
                    raise DataError(f"not to be stored: {value[:40]!a}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield


def new(model: type[models.Model], **values: Any) -> models.Model:
    """An object that lacks nothing but what the test gives it."""
    if _has(model, "batch"):
        values["batch"] = Batch.objects.create(ids={})
    return model(**{name: value for name, value in {"session_id": "s", "ids": {}, "ends": AT}.items() if _has(model, name)}, **values)


def _has(model: type[models.Model], name: str) -> bool:
    return any(name in (field.name, field.attname) for field in model._meta.concrete_fields)


def test_every_text_of_our_tables_is_one_that_is_cleaned():
    assert len(FIELDS) > 20
    assert [str(field) for field in FIELDS if not isinstance(field, Text | LongText)] == []


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_any_text_is_stored_as_far_as_it_can_be(field: Any, evil: str):
    model, name, wanted = field.model, field.name, storable(evil, field.max_length)
    with strict():
        saved = new(model, **{name: evil})
        saved.save()
        assert getattr(saved, name) == wanted, "who saved it has what is stored"
        assert getattr(model.objects.get(pk=saved.pk), name) == wanted
        assert model.objects.filter(**{name: evil}).exists()
        assert model.objects.filter(pk=saved.pk).update(**{name: evil}) == 1
        assert getattr(model.objects.get(pk=saved.pk), name) == wanted
        saved.delete()
        model.objects.bulk_create([new(model, **{name: evil})])
        assert getattr(model.objects.get(**{name: evil}), name) == wanted
    assert 0 < len(wanted) <= (field.max_length or len(evil))


@pytest.mark.parametrize("text", ["", "Grüße\tan\nalle", "送信済み 😀", "\u202e\u200b", "done"])
def test_what_can_be_kept_is_kept_as_it_is(text: str):
    assert storable(text) == text


def test_a_mail_whose_subject_no_database_takes_is_released_and_is_in_the_log(browser_of_somebody: Client, gateway: Gateway):
    message = {"id": "m1", "from": "info@shop.example", "subject": "Rechnung\0 Nr. 7\x1b"}
    gateway.answer = lambda request: (
        httpx.Response(200, json={"id": "u1", "email": "anna@nordwind.example"}) if request.url.path == "/users/u1"
        else httpx.Response(200, json=message) if request.method == "GET" else httpx.Response(204)
    )
    url = "/users/u1/mail/Quarantine/m1/release/"
    with strict():
        answer = browser_of_somebody.post(url, {"once": "k" * 32, "confirmed": "1", "sender": "info@shop.example"})
        assert browser_of_somebody.get("/activity/").status_code == 200
    assert answer.status_code < 400
    assert [request.method for request in gateway.asked].count("POST") == 1
    assert Entry.objects.get().target.endswith("Rechnung\ufffd Nr. 7\ufffd")
    assert Entry.objects.get().result == "done"
