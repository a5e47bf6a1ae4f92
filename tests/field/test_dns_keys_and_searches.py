"""Zones, keys and search terms as people have them at hand, through the pages that a person opens."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.meaning import dkim
from sandbox.models import DkimKey, Domain, User
from tests.sandbox.servers import Records, dns_server
from tests.shown import find, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
CASES = Path(__file__).parent / "cases"
ZONES = sorted(path.stem for path in CASES.glob("*.zone"))
KEYS = json.loads((CASES / "22-public-key-forms.json").read_text())
TERMS = json.loads((CASES / "37-search-terms.json").read_text())
PAIR, OTHER = dkim.make_pair(), dkim.make_pair()
PIECES = {
    "public": PAIR.public, "first": PAIR.public[:200], "rest": PAIR.public[200:], "other": OTHER.public, "public_pem": PAIR.public_pem,
    "private_pem": PAIR.private, "private_escaped": PAIR.private.replace("\n", "\\n"), "private_crlf": PAIR.private.replace("\n", "\r\n"),
    "private_one_line": PAIR.private.replace("\n", " "),
}


def words(answer: HttpResponse) -> str:
    assert answer.status_code in (200, 422), answer
    return text(answer, None)


def records(zone: str) -> Records:
    """The records of a zone file, one a line: name, TTL, IN, type, value."""
    found: Records = {}
    for line in zone.splitlines():
        name, _ttl, _in, kind, value = line.split(maxsplit=4)
        found.setdefault((name.rstrip("."), kind), []).append(value)
    return found


def once(answer: HttpResponse) -> str:
    return find(answer, "main [name=once]")[-1].attributes["value"] or ""


@pytest.mark.parametrize("name", ZONES)
def test_the_check_of_a_domain_says_what_its_mx_records_mean(name: str, as_admin: Client, settings: Any) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    url = f"/domains/{Domain.objects.get(name=case['domain']).uid}/health/"
    with dns_server(records((CASES / f"{name}.zone").read_text())) as settings.SANDBOX_RESOLVER:
        shown = words(as_admin.post(url, {"once": once(as_admin.get(url))}, follow=True))
    assert case["shown"] in shown
    assert case.get("not", "\0") not in shown


def bring(somebody: Client, private: str, public: str = "") -> tuple[str, DkimKey | None]:
    """What the page says of a pair that is brought along, and the key that the domain has then."""
    domain = Domain.objects.get(name="nordwind.example")
    url = f"/domains/{domain.uid}/dkim/new/"
    fields = {"source": "own", "selector": "own", "privateKey": private, "publicKey": public, "once": once(somebody.get(url))}
    return words(somebody.post(url, fields, follow=True)), DkimKey.objects.filter(domain=domain).first()


def filled(form: str) -> str:
    return form.format_map(PIECES)


@pytest.mark.parametrize("form", KEYS["public"])
def test_a_public_key_is_accepted_in_the_forms_in_which_people_have_it(form: str, as_admin: Client) -> None:
    said, key = bring(as_admin, PAIR.private, filled(form))
    assert key is not None and key.public_key == PAIR.public, said


@pytest.mark.parametrize("form", KEYS["private"])
def test_a_private_key_is_accepted_in_the_forms_in_which_files_have_it(form: str, as_admin: Client) -> None:
    said, key = bring(as_admin, filled(form))
    assert key is not None and key.public_key == PAIR.public, said
    assert PAIR.private.splitlines()[3] not in said


@pytest.mark.parametrize("form", KEYS["refused"])
def test_a_public_key_of_another_pair_or_a_part_of_one_is_refused(form: str, as_admin: Client) -> None:
    said, key = bring(as_admin, PAIR.private, filled(form))
    assert key is None
    assert "does not match the private key" in said


@pytest.mark.parametrize("term", TERMS)
def test_a_search_finds_what_was_pasted_from_somewhere(term: str, as_admin: Client) -> None:
    wanted = TERMS[term]
    local, at, domain = wanted.rpartition("@")
    name = domain.encode("idna").decode()
    row = User.objects.get(email=f"{local}@{name}") if at else Domain.objects.get(name=name)
    found = as_admin.get("/search/", {"q": term}, follow=True)
    hub = f"/{'users' if at else 'domains'}/{row.uid}/"
    assert found.status_code == 200
    assert find(found, f"a[href='{hub}']") or found.request["PATH_INFO"].startswith(hub)


def test_every_line_of_the_given_terms_is_tried() -> None:
    assert set((CASES / "37-search-terms.txt").read_text().splitlines()) <= set(TERMS)
