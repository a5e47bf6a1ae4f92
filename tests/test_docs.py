"""The documents say what the code does."""

import ast
import re

import pytest

from tests import ledger, texts


def test_the_ledger_of_operations_is_up_to_date() -> None:
    assert ledger.LEDGER.read_text() == ledger.ledger(), "run `make ledger`"


def test_every_operation_is_met_on_a_page_or_has_a_reason() -> None:
    used = ledger.used_in()
    groups = {group for group, name, _ in ledger.operations().values() if (group, name) not in used}
    assert groups <= set(ledger.NOT_SHOWN)
    assert len(ledger.operations()) == 93


def test_the_readme_names_every_setting() -> None:
    source = (ledger.ROOT / "cleanmail_admin/settings.py").read_text() + (ledger.ROOT / "gunicorn.conf.py").read_text()
    names = set(re.findall(r'(?:env\.\w+|_key|environ\.get)\(\s*"([A-Z_]+)"', source))
    readme = (ledger.ROOT / "README.md").read_text()
    assert len(names) > 10
    assert {name for name in names if f"`{name}`" not in readme} == set()


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    catalog = texts.read(language)
    wanted = {(message.id, message.context) for message in texts.collected() if message.id}
    found = {
        (message.id, message.context)
        for message in catalog
        if message.id and not message.fuzzy and message.string and (isinstance(message.string, str) or all(message.string))
    }
    assert wanted - found == set(), "run `make texts` and translate"


def test_no_text_is_where_the_collection_does_not_look() -> None:
    """In an f-string, for one: whoever reads it would read English."""
    wanted = {text for message in texts.collected() for text in ([message.id] if isinstance(message.id, str) else message.id)}
    for path in sorted((texts.ROOT / "portal").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in texts.KEYWORDS and node.args:
                text = node.args[0]
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    assert text.value in wanted, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_placeholders_survive_translation(language: str) -> None:
    for message in texts.read(language):
        if not message.id:
            continue
        originals = (message.id,) if isinstance(message.id, str) else message.id
        strings = (message.string,) if isinstance(message.string, str) else message.string
        wanted = [set(re.findall(r"%\(\w+\)s", original)) for original in originals]  # one entry may do without its number
        for number, string in enumerate(strings):
            assert set(re.findall(r"%\(\w+\)s", string)) in (wanted[-1], wanted[min(number, len(wanted) - 1)]), string


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_the_compiled_texts_are_up_to_date(language: str) -> None:
    assert texts.po(language).with_suffix(".mo").read_bytes() == texts.compiled(texts.read(language)), "run `make texts`"
