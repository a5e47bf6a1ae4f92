"""What the sandbox's lists cost at scale: 2,000 domains, 100,000 users, 500,000 mails, 300,000 rules.

`python -m tests.bench.sandbox` makes the data first, once, in SANDBOX_BENCH_DIR or a folder of its own that goes away. Each call
goes through the sandbox's views without a socket, as the portal's do; the figure is the median.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIMES = 7
PAGE, SEARCH = 30, 100  # milliseconds that a page and a substring filter may take
KEYS = ("id", "email", "firstname", "lastname", "status", "language", "creationDate", "lastConnectionDate")


def main() -> None:
    with TemporaryDirectory(prefix="cleanmail-admin-scale-") as folder:
        data = os.environ.get("SANDBOX_BENCH_DIR", folder)
        env = {**os.environ, "DEBUG": "1", "DATA_DIR": data, "CLEANMAIL_API_URL": "", "SANDBOX_FAULTS": ""}
        began = time.monotonic()
        command = [sys.executable, "manage.py", "sandbox", "seed", "--scale", "large"]
        made = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
        print(f"data: {next(line for line in made.splitlines() if 'mails' in line)} ({time.monotonic() - began:.0f} s)")
        subprocess.run([sys.executable, "-m", "tests.bench.sandbox", "measure"], cwd=ROOT, env=env, check=True)


def calls() -> list[tuple[str, str, dict[str, Any], int]]:
    """What it is, the path, the parameters, and the milliseconds that it may take."""
    from sandbox.models import Domain, Folder

    domain = Domain.objects.get(name="company-0000.example")
    box = Folder.objects.filter(user__domain=domain, path="Quarantine").order_by("pk")[0]
    users, rules = f"/domains/{domain.uid}/users", f"/domains/{domain.uid}/wblist"
    mails = f"/users/{box.user.uid}/emails/Quarantine"
    found = [
        (f"users by {sign}{key} from {offset:,}", "/users", {"sort": sign + key, "offset": offset}, PAGE)
        for key in KEYS for sign in ("", "-") for offset in (0, 50_000, 99_900)
    ]
    found += [
        (f"a domain's users by {key} from {offset:,}", users, {"sort": key, "offset": offset}, PAGE)
        for key in KEYS for offset in (0, 10_000, 19_900)
    ]
    found += [
        (f"domains by {key} from 1,900", "/domains", {"sort": key, "offset": 1_900}, PAGE)
        for key in ("name", "status", "creationDate", "externalId", "description")
    ]
    found += [
        (f"a domain's rules by {key} from {offset:,}", rules, {"sort": key, "offset": offset}, PAGE)
        for key in ("owner", "value", "type", "createdDate", "expireAt") for offset in (0, 25_000, 49_900)
    ]
    found += [
        (f"a folder's mail by {key} from {offset:,}", mails, {"sort": key, "offset": offset}, PAGE)
        for key in ("sentDate", "-sentDate") for offset in (0, 10_000, 19_900)
    ]
    found += [(f"users with {text}", "/users", {"email": text}, SEARCH) for text in ("*keller*", "*user09*", "*r*", "*zz*")]
    found += [(f"a domain's users with {text}", users, {"email": text}, SEARCH) for text in ("*keller*", "*zzz*")]
    found += [(f"domains with {text}", "/domains", {"name": text}, SEARCH) for text in ("*ny-19*", "*zzz*")]
    found += [(f"rules with {text}", rules, {"value": text}, SEARCH) for text in ("*sender01*", "*ner-1*", "*zzz*")]
    found += [
        (f"mail with {' and '.join(wanted)}", mails, wanted, SEARCH)
        for wanted in (
            {"subject": "colis"}, {"from": "bulk-77"}, {"subject": "crypto", "from": "greta"}, {"id": "abc"}, {"to": "zzz"},
        )
    ]
    return found


def measure() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "cleanmail_admin.settings"
    django.setup()
    import httpx

    from cleanmail_admin.upstream import SandboxTransport
    from sandbox import seed

    token = seed.demo_tokens()["system administrator"]
    client = httpx.Client(
        transport=SandboxTransport(), base_url="http://sandbox", headers={"Authorization": f"Bearer {token}"}, timeout=60,
    )
    slow, memory = 0, 0
    for what, path, query, budget in calls():
        taken = []
        for _ in range(TIMES):
            began = time.perf_counter()
            answer = client.get(path, params=query)
            taken.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
        memory = memory or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        over = median(taken) > budget
        slow += over
        count = answer.headers["X-Total-Count"]
        print(f"{what:50} {count:>8} rows {median(taken):7.1f} ms of {budget}{'  OVER' if over else ''}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\n{slow} over their budget; memory {memory // 1024} MB after the first call, {peak // 1024} MB after all of them")


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
