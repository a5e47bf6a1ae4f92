"""The English of the interface keeps to docs/words.md."""

import re
from pathlib import Path

import pytest

from tests.texts import collected

PATTERNS = [
    re.split(r"\s+# ", line, maxsplit=1)
    for line in (Path(__file__).parent / "forbidden_words.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def texts() -> list[str]:
    """Every English text that people read, as the code and the templates have it."""
    ids = [message.id for message in collected() if message.id]
    return [text for id in ids for text in ((id,) if isinstance(id, str) else id)]


@pytest.fixture(scope="module")
def english() -> list[str]:
    found = texts()
    assert len(found) > 1000
    return found


@pytest.mark.parametrize(("pattern", "why"), PATTERNS, ids=[pattern for pattern, _why in PATTERNS])
def test_no_text_has_words_that_we_do_not_use(pattern: str, why: str, english: list[str]) -> None:
    assert [text for text in english if re.search(pattern, text)] == [], why
