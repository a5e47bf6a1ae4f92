"""Rules on files, workbooks, and faults on request."""

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from sandbox.models import Customer

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


def new(customer: Customer, **more):
    return {"name": "neu.example", "status": "ENABLED", "quarantine": True, "retention": False, "archive": False,
            "defaultLanguage": "DE", "customerId": customer.uid, **more}


# --- Rules on files and links


def test_a_rule_on_files_comes_once_and_has_a_rank(admin, nordwind):
    path = f"/domains/{nordwind.uid}/filters/attachments"
    body = {"action": "deny", "checkType": "FILENAME", "filter": r"\.exe$"}
    made = [admin.post(path, json={**body, "filter": text}) for text in (r"\.exe$", r"\.scr$")]
    assert [one.status_code for one in made] == [201, 201]
    assert [(one.json()["priority"], one.json()["action"]) for one in made] == [(1, "DENY"), (2, "DENY")]
    assert admin.post(path, json=body).status_code == 409
    rule = f"/filters/attachments/{made[0].json()['id']}"
    assert admin.patch(rule, json={"filter": r"\.scr$"}).status_code == 400
    assert admin.patch(rule, json={"description": "x"}).status_code == 204
    assert admin.get(path, params={"sort": "priority"}).json()[0] == made[0].json() | {"description": "x"}
    for wrong in ({}, {**body, "action": "MAYBE"}, {**body, "colour": 1}, {**body, "filter": ""}):
        assert admin.post(path, json=wrong).status_code == 400


# --- Workbooks


def test_six_lists_are_workbooks_too(sysadmin, nordwind, keller):
    sysadmin.post(f"/domains/{nordwind.uid}/filters/uris", json={"action": "WHITELIST_URI_HOST", "filter": "=cmd|' /C calc'!A0"})
    sysadmin.post(f"/domains/{nordwind.uid}/groups", json={"email": "g@nordwind.example", "recipients": [keller.email]})
    excel = {"Accept": "application/vnd.ms-excel"}
    for path in (
        *(f"/domains/{nordwind.uid}/{name}" for name in ("users", "wblist", "groups", "filters/attachments", "filters/uris")),
        f"/users/{keller.uid}/wblist",
    ):
        plain, answer = sysadmin.get(path, params={"pageSize": 7}), sysadmin.get(path, params={"pageSize": 7}, headers=excel)
        assert answer.headers["Content-Type"] == "application/vnd.ms-excel"
        assert answer.headers["X-Total-Count"] == plain.headers["X-Total-Count"]
        lines = list(load_workbook(BytesIO(answer.content)).active.iter_rows())
        if plain.json():
            assert len(lines) == len(plain.json()) + 1
            assert lines[0][0].value == next(iter(plain.json()[0]))
            assert lines[1][0].value == plain.json()[0]["id"]
        assert [cell.value for cell in lines[0]][:2] == ["id", {"users": "email", "groups": "email", "wblist": "value"}.get(
            path.rpartition("/")[2], "action",
        )]
        assert all(cell.data_type != "f" for line in lines for cell in line)
        assert set().union(*plain.json()) <= {cell.value for cell in lines[0]}
        head = sysadmin.head(path, params={"pageSize": 7}, headers=excel)
        assert (head.headers["Content-Type"], head.content) == ("application/vnd.ms-excel", b"")
    assert sysadmin.get("/users", headers=excel).headers["Content-Type"] == "application/json"


def test_a_workbook_is_the_whole_list_unless_a_page_is_asked_for(admin, nordwind):
    path, excel = f"/domains/{nordwind.uid}/wblist", {"Accept": "application/vnd.ms-excel"}
    wanted = [{"value": f"v{n:04}.example", "type": "BLOCK", "description": "=1+1" if n else None} for n in range(2_345)]
    assert admin.put(path, json=wanted).status_code == 200

    def values(**query):
        answer = admin.get(path, params={"sort": "value", **query}, headers=excel)
        assert answer.headers["X-Total-Count"] == "2345"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="sender-rules.xlsx"'
        return [line[1] for line in load_workbook(BytesIO(answer.content)).active.iter_rows(values_only=True)][1:]

    everything = [rule["value"] for rule in wanted]
    assert values() == everything
    assert values(sort="-value") == everything[::-1]
    assert values(offset=2_300) == everything[2_300:]
    assert values(pageSize=5, offset=10) == everything[10:15]
    assert values(offset=5_000) == []
    assert len(admin.get(path).json()) == 40  # as JSON it is a page, as ever


# --- Faults


def test_faults_are_off_unless_enabled(sysadmin, settings):
    header = {"X-Sandbox-Fault": "getUser=503 latency=1"}
    assert sysadmin.get("/domains", headers={"X-Sandbox-Fault": "*=503"}).status_code == 200
    settings.SANDBOX_FAULTS = "on"
    assert sysadmin.get("/domains", headers=header).status_code == 200
    assert sysadmin.get("/domains", headers={"X-Sandbox-Fault": "nonsense"}).status_code == 400


def test_a_fault_is_what_was_asked_for(settings):
    import httpx

    from cleanmail_admin.upstream import SandboxTransport
    from sandbox import seed

    token = seed.demo_tokens()["system administrator"]
    who = httpx.Client(transport=SandboxTransport(), base_url="http://sandbox", headers={"Authorization": f"Bearer {token}"})
    settings.SANDBOX_FAULTS = "listDomains=503, latency=1"
    assert who.get("/domains").status_code == 503
    assert set(who.get("/domains").json()) == {"code", "message", "fields"}
    assert who.get("/users").status_code == 200
    assert who.get("/users", headers={"X-Sandbox-Fault": "errors=1"}).status_code == 500
    assert who.get("/users", headers={"X-Sandbox-Fault": "*=429"}).status_code == 429
    assert who.get("/domains", headers={"X-Sandbox-Fault": "listDomains=404"}).status_code == 404


def test_faults_that_make_no_sense_are_said_at_the_start(tmp_path):
    command = [sys.executable, "manage.py", "sandbox", "seed"]
    env = {**os.environ, "DATA_DIR": str(tmp_path), "SANDBOX_FAULTS": "latency=fast"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "SANDBOX_FAULTS: latency=fast is no fault (docs/sandbox.md).\n"


@pytest.mark.parametrize("spelled", ["archive-contenttype", "archive_contenttype", "ARCHIVE_CONTENTTYPE"])
def test_the_kinds_of_files_in_archives_are_read_in_both_spellings(sysadmin, nordwind, spelled):
    """"Enum: filename, contenttype, archive-contenttype, archive-filename" (r:6263)."""
    body = {"action": "DENY", "checkType": spelled, "filter": f"x-{spelled}"}
    made = sysadmin.post(f"/domains/{nordwind.uid}/filters/attachments", json=body)
    assert made.status_code == 201
    assert made.json()["checkType"] == "ARCHIVE_CONTENTTYPE"
