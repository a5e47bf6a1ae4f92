"""A database of an older version goes on to work, with what was in it."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOW = "2026-01-01 00:00:00"


def migrate(data: Path, *target: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--database", "sandbox", "--verbosity", "0", *target]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DATA_DIR": str(data), "DEBUG": "1"}, check=True)


def insert(database: sqlite3.Connection, table: str, **columns: Any) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    database.execute(f"INSERT INTO sandbox_{table} ({names}) VALUES ({', '.join('?' * len(columns))})", [*columns.values()])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The database of the first version, with one of everything in it."""
    migrate(tmp_path, "sandbox", "0001")
    with closing(sqlite3.connect(tmp_path / "sandbox.sqlite3")) as database, database:
        insert(database, "broker", id=7, name="Broker")
        insert(database, "customer", id=8, broker_id=7, name="Customer", created_at=NOW)
        insert(
            database, "domain", id=9, customer_id=8, name="old.example", status="ENABLED", wblist_priority="USER",
            default_language="DE", auto_provisioning_on=0, sender_verify_on=1, outgoing_subnets="[]", users_access="[]",
            creation_date=NOW,
        )
        insert(
            database, "user", id=10, domain_id=9, email="jörg@old.example", firstname="Jörg", lastname="", status="ENABLED",
            language="DE", sender_verify_on=1, creation_date=NOW,
        )
        insert(database, "account", id=11, login="jörg@old.example", user_id=10, enabled=1, sysadmin=0)
        insert(database, "token", id=12, account_id=11, name="t", digest="x", created_at=NOW)
        insert(database, "senderrule", id=13, domain_id=9, value="a.example", type="BLOCK", created_date=NOW)
        insert(database, "folder", id=14, user_id=10, path="Quarantine")
        for key, subject in ((15, "Grüße aus ZÜRICH"), (16, "")):
            insert(
                database, "mail", id=key, folder_id=14, fuglu_id=f"F{key}", message_id=f"M{key}@X", received_date=NOW,
                sent_date=NOW, subject=subject, sender="Ämilia <A@b.example>", to="JÖRG@old.example", cc="", bcc="",
                headers=json.dumps({"Subject": subject}), attachments="[]", size=3, infected=0, important=0, seen=0,
                answered=0, recent=0, deleted=0,
            )
            insert(database, "mailsource", mail_id=key, raw=b"x: y", content="Straße")
    return tmp_path


def rows(data: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / "sandbox.sqlite3")) as database:
        return database.execute(question).fetchall()


def test_what_was_there_stays_and_can_be_searched_and_listed(old):
    migrate(old)
    assert rows(old, "SELECT find_subject, find_from, find_to, find_id FROM sandbox_mail ORDER BY id") == [
        ("grüsse aus zürich", "ämilia <a@b.example>", "jörg@old.example", "f15\nm15@x"),
        ("", "ämilia <a@b.example>", "jörg@old.example", "f16\nm16@x"),
    ]
    assert rows(old, "SELECT subject, sender FROM sandbox_mail WHERE id = 15") == [("Grüße aus ZÜRICH", "Ämilia <A@b.example>")]
    assert rows(old, "SELECT content, find_body, raw FROM sandbox_mailsource") == [("Straße", "strasse", b"x: y")] * 2
    assert rows(old, "SELECT email, customer_id, broker_id, signature FROM sandbox_user") == [("jörg@old.example", 8, 7, "")]
    assert rows(old, "SELECT login, language, totp FROM sandbox_account") == [("jörg@old.example", "EN", 0)]
    assert rows(old, "SELECT digest, temporary FROM sandbox_token") == [("x", 0)]
    assert rows(old, "SELECT count(*) FROM sandbox_senderrule") == [(1,)]
    assert rows(old, "PRAGMA foreign_key_check") == []
    assert rows(old, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_that_has_grown_is_like_a_new_one(old, tmp_path_factory):
    new = tmp_path_factory.mktemp("new")
    for data in (old, new):
        migrate(data)
    tables = [name for (name,) in rows(new, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sandbox_%'")]
    assert len(tables) > 20
    for table in tables:
        columns = f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}') ORDER BY name"
        assert rows(old, columns) == rows(new, columns), table
    indexes = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    assert rows(old, indexes) == rows(new, indexes)
