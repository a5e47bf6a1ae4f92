"""What a person changed in a record, and what somebody else changed in it meanwhile. Knows no form."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """`record` is what the gateway has now, `seen` what the person saw of it, and `typed` what they want it to be, by field.

    Fields in `along` are part of the change even where they are as the person saw them.
    """

    record: Mapping[str, Any]
    seen: Mapping[str, Any]
    typed: Mapping[str, Any]
    along: Collection[str] = ()

    @property
    def differences(self) -> dict[str, Any]:
        """What the person changed: this alone is sent."""
        return {name: value for name, value in self.typed.items() if name in self.along or not same(value, self.seen.get(name))}

    @property
    def overtaken(self) -> list[str]:
        """The fields that both changed, and not to the same."""
        return [name for name, typed in self.differences.items() if self._moved(name) and not same(self.record.get(name), typed)]

    @property
    def meanwhile(self) -> list[str]:
        """The fields that somebody else changed, and the person did not."""
        mine = self.differences
        return [name for name in self.seen if name not in mine and self._moved(name)]

    def _moved(self, name: str) -> bool:
        return name in self.seen and not same(self.record.get(name), self.seen[name])


def same(one: Any, other: Any) -> bool:
    """Do two values mean the same? The gateway says null where a form says nothing; lists of names have no order."""
    one, other = (value.replace("\r\n", "\n").strip() if isinstance(value, str) else value for value in (one, other))
    one, other = (None if value in ("", [], ()) else value for value in (one, other))
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(str, one)) == sorted(map(str, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return bool(one) == bool(other)
    return one == other or (one is not None and other is not None and str(one) == str(other))
