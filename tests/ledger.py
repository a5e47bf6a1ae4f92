"""`make ledger`: docs/operations.md, which says of each operation of the API where a person meets it and what tests it."""

import ast
from collections import defaultdict
from importlib import import_module
from pathlib import Path

from portal.api.operation import Operation

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "docs" / "operations.md"
GROUPS = (
    "access_controls", "tokens", "domain_aliases", "policies", "domains", "dkim", "mail", "attachment_rules", "sender_rules",
    "uri_rules", "health", "tasks", "auth_tokens", "users", "groups", "signatures",
)  # fmt: skip

# Why an operation is on no page yet. A group's reason holds for all of it, an operation's for itself.
NOT_SHOWN = {
    "access_controls": "administrators of more than one domain have no page yet",
    "tokens": "tokens have no page yet",
    "mail": "writing mail has no page yet",
    "attachment_rules": "rules on attachments have no page yet",
    "sender_rules": "only the rules made from a mail are changed so far",
    "uri_rules": "rules on links have no page yet",
    "tasks": "mails to users have no page yet",
    "auth_tokens": "signing in by e-mail link has no page yet",
    "users": "changing a user has no page yet",
    "groups": "groups have no page yet",
    "signatures": "signatures have no page yet",
}


def operations() -> dict[str, tuple[str, str, Operation]]:
    """Every operation by its id: (group, name of the constant, operation)."""
    found = {}
    for group in GROUPS:
        for name, value in vars(import_module(f"portal.api.{group}")).items():
            if isinstance(value, Operation):
                found[value.id] = (group, name, value)
    return found


def used_in() -> dict[tuple[str, str], set[str]]:
    """(group, constant) -> the files of portal that use it."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in (ROOT / "portal").rglob("*.py"):
        if path.parent.name == "api":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in GROUPS and node.attr.isupper():
                found[node.value.id, node.attr].add(str(path.relative_to(ROOT)))
    return found


def ledger() -> str:
    """The text of docs/operations.md."""
    used, tests = used_in(), {path: path.read_text() for path in sorted((ROOT / "tests" / "sandbox").glob("test_*.py"))}
    lines = [
        "# Operations",
        "",
        "Made by `make ledger`; a test fails when it is out of date. The sandbox's tests are those that name the operation.",
        "",
        "| operation | call | where a person meets it | sandbox tests |",
        "|---|---|---|---|",
    ]
    for id, (group, name, op) in sorted(operations().items()):
        places = ", ".join(f"`{file.removeprefix('portal/')}`" for file in sorted(used[group, name])) or f"— {NOT_SHOWN[group]}"
        tested = ", ".join(f"`{path.name}`" for path, text in tests.items() if id in text)
        lines.append(f"| {id} | `{op.method} {op.path}` | {places} | {tested} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    LEDGER.write_text(ledger())
