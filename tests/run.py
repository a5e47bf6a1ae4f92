"""`make test`: lint, types, then every test; `make lint` stops after the types.

Whatever else is on the line goes to pytest as it stands: `tests/run.py tests/pages/test_mail.py -k search`. Without, all tests run,
in as many workers as there are cores; PYTEST_XDIST_AUTO_NUM_WORKERS says another number.
"""

import os
import shutil
import subprocess
import sys

BIN = os.path.dirname(sys.executable)
ENV = {**os.environ, "DEBUG": "1", "CLEANMAIL_API_URL": ""}
LINT = [
    ["ruff", "check", "."],
    ["djlint", "--lint", "--quiet", "templates"],
    ["mypy", "portal", "cleanmail_admin", "sandbox"],
]


def run(*command: str) -> None:
    print("·", *command, flush=True)
    if code := subprocess.call([os.path.join(BIN, command[0]), *command[1:]], env=ENV):
        sys.exit(code)


# Each worker begins with a stretch of the list, so that few have to start a browser; who is done takes from the end of another's.
ALL = ("-n", "logical", "--dist", "worksteal")


def need_chromium() -> None:
    """The browser tests drive Debian's Chromium; as root on Debian it is installed here, elsewhere one line says how."""
    if any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("· installing chromium", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        if not subprocess.call(["apt-get", "update", "-q"], **quiet) and not subprocess.call(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"], **quiet
        ):
            return
    sys.exit("The browser tests need Chromium, and it is not on this machine. On Debian or Ubuntu: sudo apt-get install chromium")


if __name__ == "__main__":
    for command in LINT:
        run(*command)
    if sys.argv[1:] != ["lint"]:
        need_chromium()
        command = ["-m", "pytest", *(sys.argv[1:] or ALL)]
        print("· python", *command, flush=True)
        # In our place: Ctrl-C is for pytest alone, which ends its workers and their servers.
        os.execve(sys.executable, [sys.executable, *command], ENV)  # noqa: S606
