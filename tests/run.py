"""`make test`: lint, types, then every test; `make lint` stops after the types.

The tests run in two processes side by side, each with a data folder of its own; what the second one says comes after the first.
"""

import os
import shutil
import subprocess
import sys
import tempfile

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


# About the same time each. Whatever is new under tests/ is in the second one.
HALVES = (["tests/browser", "tests/sandbox"], ["tests", "--ignore=tests/browser", "--ignore=tests/sandbox"])


def run_tests() -> None:
    command = [os.path.join(BIN, "python"), "-m", "pytest"]
    print("·", *command[1:], *HALVES[0], "|", *HALVES[1], flush=True)
    with tempfile.TemporaryFile() as said:
        beside = subprocess.Popen([*command, *HALVES[0]], env=ENV, stdout=said, stderr=subprocess.STDOUT)
        try:
            codes = [subprocess.call([*command, *HALVES[1]], env=ENV), beside.wait()]
        except BaseException:  # somebody pressed Ctrl-C: nothing goes on without a terminal
            beside.terminate()
            raise
        said.seek(0)
        sys.stdout.buffer.write(said.read())
    if any(codes):
        sys.exit("Some tests failed; they are named above.")


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
        run("python", "-m", "pytest", *sys.argv[1:]) if sys.argv[1:] else run_tests()
