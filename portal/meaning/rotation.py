"""Where the rotation of a DKIM key stands: told by the gateway's records, by what was prepared, and by the time.

The gateway has one key for a domain, and signs with a new one from the moment it has it. So a new one is prepared here, and
handed over when its record is published: docs/decisions/0008.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import sha256

from portal.meaning.dkim import Record, record_for

KEEP_OLD = 7 * 86_400  # seconds: mail that waits somewhere still carries the old signature


@dataclass(frozen=True)
class Rotation:
    """A new pair and what it takes the place of: `old` is the record of then, times are in seconds since 1970.

    The private key is gone from here as soon as the gateway has it.
    """

    selector: str
    public: str
    private: str = field(repr=False)
    old_selector: str
    old_public: str
    prepared: int
    switched: int = 0


class Stage(Enum):
    """What has happened so far."""

    NO_KEY = auto()  # there is none to rotate, or its record cannot be read
    BEGIN = auto()
    PREPARED = auto()  # the record of the new key is to be published, and then the gateway gets the key
    HANDED_OVER = auto()  # the gateway has it, and its answer still had the old one: it was on its way meanwhile
    OVERTAKEN = auto()  # the gateway signs with a third key: somebody else's, or not the one that it was given
    SWITCHED = auto()  # the gateway signs with the new key


@dataclass(frozen=True)
class Standing:
    """A stage, and what there is at it. `records` are those of now, as far as they can be read; `new` those of the new key."""

    stage: Stage
    records: list[Record]
    names: list[str] = field(default_factory=list)  # the domain and its aliases, each once
    new: list[Record] = field(default_factory=list)
    keep_old_until: int | None = None  # seconds since 1970

    @property
    def now(self) -> Record:
        """The record of the key that signs; at every stage but NO_KEY."""
        return self.records[0]

    @property
    def digest(self) -> str:
        """Names the new records: who publishes them has seen these."""
        return sha256("\0".join(record.line for record in self.new).encode()).hexdigest()


def standing(lines: Iterable[Record], rotation: Rotation | None, time: int) -> Standing:
    """Where a rotation stands, by the domain's records, what was prepared (None before that) and the time in seconds."""
    records = [record for record in lines if record.name]
    if not records:
        return Standing(Stage.NO_KEY, records)
    names, now = list(dict.fromkeys(record.domain for record in records)), records[0]
    if rotation is None:
        return Standing(Stage.BEGIN, records, names)
    if (now.selector.lower(), now.public) == (rotation.selector, rotation.public):
        stage = Stage.SWITCHED
    elif (now.selector, now.public) != (rotation.old_selector, rotation.old_public):
        stage = Stage.OVERTAKEN
    else:
        stage = Stage.HANDED_OVER if rotation.switched else Stage.PREPARED
    new = [record_for(rotation.selector, name, rotation.public) for name in names]
    return Standing(stage, records, names, new, (rotation.switched or time) + KEEP_OLD)
