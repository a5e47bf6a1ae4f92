"""Two writers at once lose nothing, and a writer that is killed leaves the old list or the new one, whole."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.sandbox.servers import free_port

ROOT = Path(__file__).parents[2]


class Server:
    """The sandbox alone, in a process of its own, with data of its own."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.env = {**os.environ, "DATA_DIR": str(data), "DEBUG": "1", "WEB_CONCURRENCY": "1", "LOG_LEVEL": "ERROR"}

    def start(self) -> httpx.Client:
        command = [sys.executable, "manage.py", "sandbox", "serve", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )
        tokens = []
        for line in self.process.stdout:
            tokens += [line.strip()] if line.startswith("  ey") else []
            if "Stop with" in line:
                break
        self.url, self.token, self.owner = f"http://127.0.0.1:{self.port}", tokens[0], tokens[3]
        client = self.client()
        for _ in range(1200):
            try:
                client.get("/users")
                return client
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)

    def stop(self, how: int = signal.SIGTERM) -> None:
        os.killpg(self.process.pid, how)
        self.process.wait(60)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    if found.process.poll() is None:
        found.stop(signal.SIGKILL)


def rules(word: str, count: int) -> list[dict[str, str]]:
    return [{"value": f"{word}{n}.example", "type": "BLOCK"} for n in range(count)]


def listed(client: httpx.Client, domain: str) -> set[str]:
    found = client.get(f"/domains/{domain}/wblist", params={"pageSize": 10_000})
    assert found.headers["X-Total-Count"] == str(len(found.json()))
    return {rule["value"] for rule in found.json()}


def test_a_writer_killed_in_the_middle_leaves_the_old_list_or_the_new_one_whole(server):
    client = server.start()
    domain = client.get("/domains", params={"name": "nordwind.example"}).json()[0]["id"]
    old, new = rules("old", 500), rules("new", 10_000)
    assert client.put(f"/domains/{domain}/wblist", json=old).status_code == 200
    began = time.monotonic()
    assert client.put(f"/domains/{domain}/wblist", json=new).status_code == 200
    whole = time.monotonic() - began
    assert client.put(f"/domains/{domain}/wblist", json=old).status_code == 200
    seen = set()
    for share in (0.2, 0.5, 0.8):
        def put(client: httpx.Client = client) -> None:
            with suppress(httpx.TransportError):
                client.put(f"/domains/{domain}/wblist", json=new)
        thread = threading.Thread(target=put, daemon=True)
        thread.start()
        time.sleep(whole * share)
        server.stop(signal.SIGKILL)
        thread.join(60)
        with sqlite3.connect(server.data / "sandbox.sqlite3") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        client = server.start()
        found = listed(client, domain)
        assert found in ({rule["value"] for rule in old}, {rule["value"] for rule in new})
        seen.add(len(found))
        assert client.put(f"/domains/{domain}/wblist", json=old).status_code == 200
    assert 500 in seen


def test_writers_at_once_lose_nothing(server):
    first = server.start()
    domain = first.get("/domains", params={"name": "nordwind.example"}).json()[0]["id"]
    first.put(f"/domains/{domain}/wblist", json=[])
    answers = []

    def write(who: int) -> None:
        with server.client() as client:
            for n in range(20):
                answers.append(client.post(f"/domains/{domain}/wblist", json=rules(f"w{who}-{n}-", 1)).status_code)
                answers.append(client.post(f"/domains/{domain}/wblist", json=rules(f"same{n}-", 1)).status_code)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(answers)) == [201, 409]
    assert answers.count(201) == 4 * 20 + 20
    assert len(listed(first, domain)) == 100


def test_two_whole_lists_at_once_leave_one_of_them(server):
    first = server.start()
    domain = first.get("/domains", params={"name": "nordwind.example"}).json()[0]["id"]

    def put(word: str) -> None:
        with server.client() as client:
            assert client.put(f"/domains/{domain}/wblist", json=rules(word, 300)).status_code == 200

    threads = [threading.Thread(target=put, args=(word,)) for word in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert listed(first, domain) in [{rule["value"] for rule in rules(word, 300)} for word in "abc"]


def test_a_file_goes_with_one_mail_though_it_is_sent_twice_at_once(server):
    server.start()
    answers = []
    owner = {"Authorization": f"Bearer {server.owner}"}
    with httpx.Client(base_url=server.url, headers=owner, timeout=60) as client:
        mailbox = client.get("/users").json()[0]["id"]
        uid = client.post("/emails/attachments", files={"file": ("a.txt", b"a")}).json()["uid"]

    def send() -> None:
        with httpx.Client(base_url=server.url, headers=owner, timeout=60) as client:
            body = {"to": ["x@partner.example"], "attachments": [{"name": "a.txt", "uid": uid}]}
            answers.append(client.post(f"/users/{mailbox}/emails/send", json=body).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 400, 400, 400]
    assert len(list((server.data / "sandbox-mail" / "new").iterdir())) == 1
