"""What every stored object has in common: its id."""

import string
from zlib import crc32

from django.db import models

ALPHABET = string.digits + string.ascii_letters
ID_LENGTH = 5
IDS: int = len(ALPHABET) ** ID_LENGTH  # 916 million for each table
SPREAD = 498_274_711  # odd and no multiple of 31, so it has no common factor with 62 ** 5 and no two keys share an id
UNSPREAD: int = pow(SPREAD, -1, IDS)


class Identified(models.Model):
    """A row with an id of the API's kind, "ByE3n": its primary key in disguise, so nothing has to be stored or kept unique.

    Every table has its own disguise. An id sent to the wrong place is then an unknown one, and not some other object.
    """

    class Meta:
        abstract = True

    @property
    def uid(self) -> str:
        """The id that the API shows."""
        return self.uid_of(self.pk)

    @classmethod
    def uid_of(cls, key: int) -> str:
        """The id of the row with this primary key."""
        number = (key * SPREAD + crc32(cls.__name__.encode())) % IDS
        text = ""
        while len(text) < ID_LENGTH:
            number, digit = divmod(number, len(ALPHABET))
            text += ALPHABET[digit]
        return text

    @classmethod
    def key(cls, uid: str) -> int:
        """The primary key behind an id; 0, which no row has, for a text that cannot be one."""
        if len(uid) != ID_LENGTH or not set(uid) <= set(ALPHABET):
            return 0
        number = 0
        for letter in reversed(uid):
            number = number * len(ALPHABET) + ALPHABET.index(letter)
        return (number - crc32(cls.__name__.encode())) * UNSPREAD % IDS


class Language(models.TextChoices):
    FR = "FR"
    EN = "EN"
    DE = "DE"
    ES = "ES"
    DA = "DA"
    NB = "NB"
