"""`python -m tests.bench`: start the three sides, let them take turns, and print what a page costs against its budget."""

import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import brotli

from tests.bench import gateway
from tests.bench.gateway import ROOT

ROUNDS, TIMES, WARM = 11, 8, 30
PANEL = {"HX-Request": "true", "HX-Target": "held"}
MAILS, MAILS_PANEL = "/users/By000n/mail/Quarantine/", "/users/By000n/panels/mail/Quarantine/"
# What it is, our page and the floor's. The admin has one list, and stands against each of ours.
PAGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("users, list", {"address": "/users/"}, {"address": "/users/"}),
    ("domains, list", {"address": "/domains/"}, {"address": "/domains/"}),
    ("held mail, panel", {"address": MAILS_PANEL, "headers": PANEL}, {"address": MAILS + "alone/"}),
    ("held mail, whole page", {"address": MAILS}, {"address": MAILS}),
]
ADMIN = {"address": "/admin/bench/user/"}
CALLS = [
    ("users, list", "/users/", 1),
    ("domains, list", "/domains/", 1),
    ("user, hub", "/users/By000n/", 1),
    ("domain, hub", "/domains/Ey001k/", 1),
    ("search", "/search/?q=nord", 2),
]


def environment(data: Path, url: str) -> dict[str, str]:
    """Production, as README.md describes it, in a directory that goes away afterwards."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "SECRET_KEY": "a secret of the benchmark, and only of the benchmark, long enough",
        "TOKEN_KEYS": "first key of the benchmark and long enough to be one",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "CLEANMAIL_API_URL": url,
        "TRUST_PROXY": "1",
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "cleanmail_admin.settings",
    }


class Side:
    """One of the processes that take turns (tests/bench/worker.py)."""

    def __init__(self, name: str, env: dict[str, str], log: Path) -> None:
        command = [sys.executable, "-m", "tests.bench.worker", name]
        self.name, self.log = name, log / f"{name}.log"
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} failed:\n{self.log.read_text()[-3000:]}")
        return json.loads(line)

    def get(self, page: dict[str, Any], **more: Any) -> dict[str, Any]:
        print(json.dumps({**page, **more}), file=self.process.stdin, flush=True)
        return self.answer()


@contextmanager
def sides(env: dict[str, str], log: Path) -> Iterator[tuple[Side, Side, Side]]:
    """Ours, the floor and the admin, ready and warm; ended by closing what they read from."""
    started = [Side(name, env, log) for name in ("ours", "floor", "admin")]
    try:
        for side in started:
            side.answer()
        yield tuple(started)  # type: ignore[misc]
    finally:
        for side in started:
            side.process.stdin.close()
            side.process.wait(10)


def main() -> None:
    began = time.monotonic()
    with TemporaryDirectory(prefix="cleanmail-admin-bench-") as folder:
        data, server = Path(folder), gateway.on_loopback()
        env = environment(data, f"http://127.0.0.1:{server.server_address[1]}")
        for command in (["migrate", "-v0", "--noinput"], ["collectstatic", "-v0", "--noinput"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True)
        with sides(env | {"BATCH_WORKER": "process"}, data) as (ours, floor, admin):
            cpu(ours, floor, admin)
            calls(ours)
            weight(ours, data / "static")
        memory(env, data)
        server.shutdown()
    print(f"\n{time.monotonic() - began:.0f} s in all")


def cpu(ours: Side, floor: Side, admin: Side) -> None:
    """Turns of A, B and C; ratios are taken inside a turn, so that what the machine does besides counts for all alike."""
    for _what, page, by_hand in PAGES:
        ours.get(page, times=WARM)
        floor.get(by_hand, times=WARM)
    admin.get(ADMIN, times=WARM // 3)
    turns = []
    for _ in range(ROUNDS):
        theirs = admin.get(ADMIN, times=TIMES // 2)["ms"]
        turns.append([(ours.get(page, times=TIMES)["ms"], floor.get(hand, times=TIMES)["ms"], theirs) for _, page, hand in PAGES])
    print(f"\nCPU of a page with {gateway.ROWS} rows, ms (medians of {ROUNDS} turns; Django's admin: its list of 8 columns)")
    print(f"{'':24}{'ours':>7}{'floor':>7}{'ours/floor':>12}{'':14}{'admin':>7}{'admin/ours':>12}")
    for (what, *_), measured in zip(PAGES, zip(*turns, strict=True), strict=True):
        mine, hand, theirs = (median(column) for column in zip(*measured, strict=True))
        above, below = median(a / b for a, b, _ in measured), median(c / a for a, _, c in measured)
        print(
            f"{what:24}{mine:7.2f}{hand:7.2f}{above:12.2f}  {met(above <= 1.5, 'at most 1.5')}"
            f"{theirs:7.1f}{below:12.1f}  {met(below >= 5, 'at least 5')}"
        )


def calls(ours: Side) -> None:
    print("\nCalls to the gateway before a page is usable")
    for what, address, budget in CALLS:
        made = ours.get({"address": address})["calls"]
        print(f"{what:24}{made:7.0f}  {met(made <= budget, f'at most {budget}')}")


def weight(ours: Side, static: Path) -> None:
    """Bytes over the wire: files as brotli (WhiteNoise serves the .br), pages as gzip, which is what the portal sends."""
    pages = {what: ours.get({"address": address}, whole=True)["content"] for what, address in HTML}
    files = {name: (static / name).read_bytes() for page in pages.values() for name in re.findall(r"/static/([^\"#?]+)", page)}
    print(f"\nBytes{'':19}{'plain':>7}{'gzip':>8}{'brotli':>8}")
    small: dict[str, int] = {}
    for name, content in files.items():
        small[name] = (static / f"{name}.br").stat().st_size if (static / f"{name}.br").exists() else len(content)
        packed = len(gzip.compress(content, 6))
        print(f"{re.sub('[.][0-9a-f]{12}', '', name):24}{len(content):7}{packed:8}{small[name]:8}")
    for what, page in pages.items():
        print(f"{what:24}{len(page.encode()):7}{len(gzip.compress(page.encode(), 6)):8}{len(brotli.compress(page.encode(), quality=4)):8}")


HTML = [("sign-in page", "/sign-in/"), ("home page", "/"), ("users, list", "/users/"), ("domains, list", "/domains/"), ("user, hub", "/users/By000n/"), ("held mail, whole page", MAILS)]


def memory(env: dict[str, str], data: Path) -> None:
    pass


def met(well: bool, budget: str) -> str:
    return f"{'met' if well else 'NOT MET'} ({budget})".ljust(20)


if __name__ == "__main__":
    main()
