"""What the sandbox's lists cost at scale: 2,000 domains, 100,000 users, 500,000 mails, 300,000 rules.

`python -m tests.bench.sandbox` makes the data first, once, in SANDBOX_BENCH_DIR or a folder of its own that goes away. Each call
goes through the sandbox's views without a socket, as the portal's do; the figure is the processor time of the quickest of
several: the data lies in memory, so that is all of it, whatever else the machine is doing.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
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


def administrator(scope: str, key: int) -> str:
    """The token of somebody who holds everything on an object."""
    from django.utils import timezone

    from sandbox.auth import PERMISSIONS, digest
    from sandbox.models import Account, Grant, Token

    account, _ = Account.objects.get_or_create(login=f"bench of {scope}")
    account.grants.get_or_create(scope_type=Grant.Scope[scope], scope_id=key, defaults={"permissions": PERMISSIONS})
    secret = f"secret of {account}"
    Token.objects.get_or_create(
        digest=digest(secret), defaults={"account": account, "name": "bench", "created_at": timezone.now()},
    )
    return secret


def calls_of_all() -> list[tuple[str, str, dict[str, Any], int]]:
    """The lists of everything, which are cut to what somebody may see: each order from the start, the middle and the end."""
    found = [
        (f"users by {sign}{key} from {share:.0%}", "/users", {"sort": sign + key, "offset": share}, PAGE)
        for key in KEYS for sign in ("", "-") for share in (0.0, 0.5, 1.0)
    ]
    found += [
        (f"domains by {key} from 50%", "/domains", {"sort": key, "offset": 0.5}, PAGE)
        for key in ("name", "status", "creationDate", "externalId", "description")
    ]
    found += [(f"users with {text}", "/users", {"email": text}, SEARCH) for text in ("*keller*", "*user09*", "*r*", "*zz*")]
    found += [("users on Mail*", "/users", {"platformName": "Mail*"}, SEARCH)]
    return found + [(f"domains with {text}", "/domains", {"name": text}, SEARCH) for text in ("*ny-19*", "*zzz*")]


def calls_of_one(domain: Any) -> list[tuple[str, str, dict[str, Any], int]]:
    """What it is, the path, the parameters, and the milliseconds that it may take."""
    from sandbox.models import Folder

    box = Folder.objects.filter(user__domain=domain, path="Quarantine").order_by("pk")[0]
    users, rules = f"/domains/{domain.uid}/users", f"/domains/{domain.uid}/wblist"
    mails = f"/users/{box.user.uid}/emails/Quarantine"
    found = [
        (f"a domain's users by {key} from {offset:,}", users, {"sort": key, "offset": offset}, PAGE)
        for key in KEYS for offset in (0, 10_000, 19_900)
    ]
    found += [
        (f"a domain's rules by {key} from {offset:,}", rules, {"sort": key, "offset": offset}, PAGE)
        for key in ("owner", "value", "type", "createdDate", "expireAt") for offset in (0, 25_000, 49_900)
    ]
    found += [
        (f"a folder's mail by {key} from {offset:,}", mails, {"sort": key, "offset": offset}, PAGE)
        for key in ("sentDate", "-sentDate") for offset in (0, 10_000, 19_900)
    ]
    found += [(f"a domain's users with {text}", users, {"email": text}, SEARCH) for text in ("*keller*", "*zzz*")]
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
    from sandbox.models import Domain

    domain = Domain.objects.select_related("customer").get(name="company-0000.example")
    who = {
        "system administrator": (seed.demo_tokens()["system administrator"], calls_of_all() + calls_of_one(domain)),
        "broker's administrator": (administrator("BROKER", domain.customer.broker_id), calls_of_all()),
        "customer's administrator": (administrator("CUSTOMER", domain.customer_id), calls_of_all() + calls_of_one(domain)),
        "domain's administrator": (administrator("DOMAIN", domain.pk), calls_of_all()),
    }
    slow, memory = 0, 0
    for name, (token, calls) in who.items():
        print(f"\n{name}")
        client = httpx.Client(
            transport=SandboxTransport(), base_url="http://sandbox", headers={"Authorization": f"Bearer {token}"}, timeout=60,
        )
        for what, path, query, budget in calls:
            count = int(client.get(path, params={**query, "offset": 0}).headers["X-Total-Count"])
            if isinstance(query.get("offset"), float):  # a share of the list
                query = {**query, "offset": max(0, int(query["offset"] * count) - 40)}
            taken = []
            for _ in range(TIMES):
                began = time.thread_time()
                answer = client.get(path, params=query)
                taken.append((time.thread_time() - began) * 1000)
                assert answer.status_code == 200, answer.text
            memory = memory or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            over = min(taken) > budget
            slow += over
            print(f"{what:50} {count:>8,} rows {min(taken):7.1f} ms of {budget}{'  OVER' if over else ''}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\n{slow} over their budget; memory {memory // 1024} MB after the first call, {peak // 1024} MB after all of them")


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
