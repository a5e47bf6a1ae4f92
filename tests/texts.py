"""`make texts`: collect every text people read into locale/, and compile what is translated. Pure Python, no GNU gettext needed."""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages import pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from jinja2 import nodes
from jinja2.ext import extract_from_ast

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("da", "de", "es", "fr", "nb")  # English is what the code says
MADE = datetime(2026, 11, 22, tzinfo=UTC)  # fixed: a file changes only when a text does
ABOUT: dict[str, Any] = {
    "project": "Cleanmail Admin",
    "version": "1",
    "header_comment": "# Texts of Cleanmail Admin. Collected by `make texts`; only msgstr is written by hand.",
    "msgid_bugs_address": "none",
    "last_translator": "The Cleanmail Admin authors",
    "language_team": "The Cleanmail Admin authors",
    "creation_date": MADE,
    "revision_date": MADE,
    "fuzzy": False,
}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "lazy": None,
    "noop": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def po(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def collected() -> Catalog:
    """All texts of the code and of the templates."""
    catalog = Catalog(**ABOUT)
    for file, number, text, comments, context in sorted(_texts(), key=lambda found: found[:2]):
        # No line numbers: they would change with every edit.
        del number
        catalog.add(text, locations=[(file, None)], auto_comments=comments, context=context)
    return catalog


def read(language: str) -> Catalog:
    with po(language).open("rb") as file:
        return pofile.read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as the file that Django reads."""
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def _texts() -> Iterator[tuple[str, int, object, list[str], str | None]]:
    for path in sorted((ROOT / "portal").rglob("*.py")):
        for number, text, comments, context in extract("python", io.BytesIO(path.read_bytes()), keywords=KEYWORDS):
            yield str(path.relative_to(ROOT)), number, text, comments, context
    from portal.ui.engine import environment

    env = environment()
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for number, text in _of_template(env.parse(path.read_text())):
            yield str(path.relative_to(ROOT)), number, text, [], None


def _of_template(tree: nodes.Template) -> Iterator[tuple[int, object]]:
    """`{{ "…"|t }}` and `{% trans %}…{% endtrans %}`."""
    for node in tree.find_all(nodes.Filter):
        if node.name == "t" and isinstance(node.node, nodes.Const):
            yield node.lineno, node.node.value
    for number, _function, texts in extract_from_ast(tree, ("gettext", "ngettext"), babel_style=False):
        yield number, texts[0] if len(texts) == 1 else texts


def main() -> None:
    fresh = collected()
    for language in LANGUAGES:
        path = po(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = read(language) if path.exists() else Catalog(locale=language)
        catalog.update(fresh, no_fuzzy_matching=True)
        for name, value in ABOUT.items():
            setattr(catalog, name, value)
        catalog.obsolete.clear()
        with path.open("wb") as file:
            pofile.write_po(file, catalog, width=100, omit_header=False, sort_output=True, ignore_obsolete=True)
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        missing = sum(not message.string or not any(message.string) for message in catalog if message.id)
        sys.stdout.write(f"{language}: {len(catalog)} texts, {missing} to translate\n")


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cleanmail_admin.settings")
    os.environ.setdefault("DEBUG", "1")
    django.setup()
    main()
