"""Text as a database may keep it, whatever a gateway or a person sent: cleaned and cut in the moment it is saved.

The fields of every table of the portal are made of these, so that no writer has to think of it.
"""

import re
from typing import Any

from django.db import models

# PostgreSQL takes no NUL, no database takes half a character (a lone surrogate), and nobody can read the others.
UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def storable(text: str, most: int | None = None) -> str:
    """`text` with a mark in the place of each character that cannot be kept, and no longer than `most`."""
    return UNREADABLE.sub("\ufffd", text[:most])


class _Stored(models.Field):  # type: ignore[type-arg]
    """What is looked for is cleaned like what is saved, and an object that was saved has what its row has."""

    plain = ""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return storable(value, self.max_length) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            value = storable(value, self.max_length)
            setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        """To the database it is the field it always was: no migration."""
        name, _path, args, kwargs = super().deconstruct()
        return name, self.plain, args, kwargs


class Text(_Stored, models.CharField):  # type: ignore[type-arg]
    """A line of text."""

    plain = "django.db.models.CharField"


class LongText(_Stored, models.TextField):  # type: ignore[type-arg]
    """A text of any length."""

    plain = "django.db.models.TextField"
