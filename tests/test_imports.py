"""The arrows of docs/architecture.md: cleanmail_admin -> portal.pages -> portal.ui -> portal.meaning -> portal.api, and the sandbox apart."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
API_PATHS = set(yaml.safe_load((ROOT / "docs" / "upstream" / "openapi.yaml").read_text())["paths"])
WIRING = re.compile(r"cleanmail_admin/((upstream|settings|urls|prepare)\.py|management/.*)")


def files(folder: str) -> Iterator[tuple[str, ast.Module]]:
    place = ROOT / folder
    for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
        yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text())


def imports(name: str, tree: ast.Module) -> Iterator[str]:
    """Every name imported, in full: `from portal.pages import users` and `from . import users` are portal.pages.users."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [node.module] if node.module else []
            if node.level:
                base = name.removesuffix(".py").split("/")[: -node.level] + base
            yield from (".".join([*base, alias.name]) for alias in node.names)


def offences(folder: str, forbidden: str) -> list[str]:
    return [
        f"{name}: {imported}" for name, tree in files(folder) for imported in imports(name, tree)
        if f"{imported}.".startswith(f"{forbidden}.")
    ]


def texts(tree: ast.Module) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_every_spelling_of_an_import_is_seen():
    source = "import a.b\nfrom portal.pages import users\nfrom . import mail\nfrom ..ui import tables\nif a:\n  from x.y import z"
    found = set(imports("portal/pages/domains.py", ast.parse(source)))
    assert found == {"a.b", "portal.pages.users", "portal.pages.mail", "portal.ui.tables", "x.y.z"}


def test_the_arrows_point_one_way():
    assert offences("portal", "cleanmail_admin") == []
    assert offences("portal/ui", "portal.pages") == []
    assert offences("portal/api", "portal.meaning") == []


def test_who_is_signed_in_is_known_without_what_they_did():
    below = ("audit", "batches", "owner", "ui", "pages", "middleware")
    for module in ("session", "throttle", "vault", "models"):
        assert [offence for name in below for offence in offences(f"portal/{module}.py", f"portal.{name}")] == []
    assert [offence for name in ("session", "throttle", "audit") for offence in offences("portal/vault.py", f"portal.{name}")] == []
    assert [offence for name in ("session", "audit") for offence in offences("portal/throttle.py", f"portal.{name}")] == []
    assert [offence for name in ("batches", "owner", "ui", "pages") for offence in offences("portal/audit", f"portal.{name}")] == []


def test_what_seals_a_secret_is_one_file():
    sealing = [name for name, tree in files("portal") for imported in imports(name, tree) if imported.startswith("cryptography.fernet")]
    assert set(sealing) == {"portal/vault.py"}


def test_what_data_means_is_known_without_a_request_and_without_a_call():
    pages = ("portal.ui", "portal.pages", "portal.session", "portal.audit", "portal.batches", "portal.api.client", "django.http",
             "django.db", "django.shortcuts", "django.template")
    assert [offence for forbidden in pages for offence in offences("portal/meaning", forbidden)] == []


def test_what_changed_in_a_record_is_told_without_a_form():
    (tree,) = (tree for name, tree in files("portal/ui") if name == "portal/ui/change.py")
    assert {imported.split(".")[0] for imported in imports("portal/ui/change.py", tree)} <= sys.stdlib_module_names


def test_batches_know_no_kind_of_work_but_where_the_kinds_are_written_out():
    kinds = ("portal.api", "portal.meaning", "portal.ui")
    assert [
        one for forbidden in kinds for one in offences("portal/batches", forbidden)
        if not one.startswith("portal/batches/kinds.py") and not one.endswith((".client.Client", ".client")) and ".errors" not in one
    ] == []
    assert offences("portal/batches", "portal.pages") == []


def test_no_page_uses_the_filters_of_templates():
    assert offences("portal/pages", "portal.ui.filters") == []


def test_the_api_knows_the_standard_library_httpx_and_msgspec_only():
    allowed = {*sys.stdlib_module_names, "httpx", "msgspec"}
    assert [
        f"{name}: {imported}" for name, tree in files("portal/api") for imported in imports(name, tree)
        if not imported.startswith("portal.api.") and imported.split(".")[0] not in allowed
    ] == []


def test_a_page_imports_no_other_page():
    assert [
        f"{name}: {imported}" for name, tree in files("portal/pages") for imported in imports(name, tree)
        if imported.startswith("portal.pages") and imported.split(".")[2:3] != [name.removesuffix(".py").split("/")[2]]
    ] == []


def test_a_page_touches_no_session():
    assert [
        f"{name}:{node.lineno}" for name, tree in files("portal/pages") for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "session" and ast.unparse(node.value).endswith("request")
    ] == []


def test_a_page_spells_no_path_of_the_api():
    assert [
        f"{name}: {text}" for name, tree in files("portal/pages") for text in texts(tree)
        if text in API_PATHS or re.match(r"/\S*\{[a-z]+[A-Z]\w*\}", text)
    ] == []


def test_the_portal_does_not_name_the_sandbox():
    assert offences("portal", "sandbox") == []
    assert [name for name, tree in files("portal") if any(text.startswith("sandbox") for text in texts(tree))] == []


def test_only_the_wiring_imports_the_sandbox():
    assert [one for one in offences("cleanmail_admin", "sandbox") if not WIRING.match(one)] == []


def test_the_sandbox_imports_nothing_of_the_portal():
    assert offences("sandbox", "portal") == []


def test_no_module_is_a_drawer():
    drawers = {"utils", "helpers", "services", "managers"}
    here = [name for folder in ("cleanmail_admin", "portal", "sandbox", "tests") for name, _ in files(folder)]
    assert [name for name in here if drawers & set(name.removesuffix(".py").split("/"))] == []
