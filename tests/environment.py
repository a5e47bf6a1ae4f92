"""The environment of every test, set before Django reads its settings (loaded with -p, see pyproject.toml).

Each process that runs tests has a data folder of its own, and with it databases of its own: pytest itself, and inside of its folder
those of the workers that it starts.
"""

import os
import shutil
import tempfile

OUTER = os.environ["DATA_DIR"] if "PYTEST_XDIST_WORKER" in os.environ else None
FOLDER = tempfile.mkdtemp(prefix="cleanmail-admin-tests-", dir=OUTER)

os.environ.update(
    DEBUG="1",
    CLEANMAIL_TEST="1",
    BATCH_WORKER="process",
    SECRET_KEY="a secret of the tests, and only of the tests, long enough",
    TOKEN_KEYS="first key of the tests and long enough to be one",
    CLEANMAIL_API_URL="",
    DATABASE_URL="",
    LOG_LEVEL="INFO",
    DATA_DIR=FOLDER,
)
del os.environ["DATABASE_URL"]


def pytest_unconfigure() -> None:
    """The very last thing that pytest does: nothing is left behind."""
    shutil.rmtree(FOLDER, ignore_errors=True)
