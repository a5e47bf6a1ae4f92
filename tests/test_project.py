"""What holds for the project as a whole: locked packages, no trace of a machine, safe defaults, no way around escaping."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from django.core.management import call_command

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.txt"))
STORES = "django.contrib.sessions.backends"
GATEWAY = {"CLEANMAIL_API_URL": "https://gateway.example/api", "ALLOWED_HOSTS": "portal.example"}
KEYS = {"SECRET_KEY": secrets.token_urlsafe(48), "TOKEN_KEYS": secrets.token_urlsafe(48)}


def files(*suffixes: str) -> Iterator[tuple[str, str]]:
    """Every file of the project that git tracks or would track, with its text."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0")
    if listed.returncode:  # no checkout: everything but what is made here
        made = re.compile(r"(?:\.venv|\.git|\.\w+_cache|\.hypothesis|var)/|.*__pycache__")
        names = [name for file in sorted(ROOT.rglob("*")) if not made.match(name := file.relative_to(ROOT).as_posix())]
    for name in names:
        file = ROOT / name
        if file.is_file() and (not suffixes or file.suffix in suffixes):
            yield name, file.read_bytes().decode("utf-8", "replace")


def found(pattern: str, *suffixes: str, under: tuple[str, ...] = ("",)) -> list[str]:
    """Where a pattern occurs, as `file:line: text`."""
    wanted = re.compile(pattern, re.IGNORECASE)
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in files(*suffixes)
        if name.startswith(under)
        for number, line in enumerate(text.splitlines(), 1)
        if wanted.search(line)
    ]


# Packages


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_locked_to_a_version_and_its_hashes(lock: Path):
    text = lock.read_text()
    assert "://" not in text
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    name = r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?"
    assert lines
    assert [
        line for line in lines if not re.fullmatch(rf"{name}==[^\s;]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{{64}})+\s*", line)
    ] == []


def test_there_are_locks_for_running_and_for_testing():
    assert {"requirements.txt", "requirements-dev.txt"} <= {lock.name for lock in LOCKS}
    assert {lock.with_suffix(".in").name for lock in LOCKS} == {source.name for source in ROOT.glob("requirements*.in")}


# No trace of a machine


def test_no_file_names_a_place_on_somebodys_machine():
    places = ("work", "root", r"home/\w[\w.-]*", r"Users/\w[\w.-]*")
    assert found(rf"(?<![\w.*<>%{{}}/-])/(?-i:{'|'.join(places)})/") == []


def test_no_file_names_a_package_registry():
    names = ("pypi", "pythonhosted", "npmjs", "jsdelivr", "unpkg", "cdnjs", "ghcr", "quay")
    assert found(rf"\b(?:{'|'.join(names)})\.(?:org|com|net|io)\b|--(?:extra-)?index-url[ =]|PIP_(?:EXTRA_)?INDEX") == []


def test_the_search_for_traces_would_find_one(monkeypatch: pytest.MonkeyPatch):
    trace = "see /" + "home/anna/cleanmail/x.py, " + "https://pypi" + ".org/simple"
    monkeypatch.setattr(sys.modules[__name__], "files", lambda: [("notes.md", trace)])
    for test in (test_no_file_names_a_place_on_somebodys_machine, test_no_file_names_a_package_registry):
        with pytest.raises(AssertionError, match=r"notes\.md:1"):
            test()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_run_of_the_tests_leaves_no_folder_behind(workers: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "tests/ui/test_verdict.py", *workers]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run(command, cwd=ROOT, env={**ours, "TMPDIR": str(tmp_path)}, check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("cleanmail")] == []


# Production


def manage(data: Path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """manage.py in an environment of its own: nothing of the tests, and nothing of whoever runs them."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(data), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "Set SECRET_KEY"),
        ({"SECRET_KEY": ""}, "Set SECRET_KEY"),
        ({"SECRET_KEY": KEYS["SECRET_KEY"]}, "Set TOKEN_KEYS"),
        ({**KEYS, "TOKEN_KEYS": "too short"}, "Every key in TOKEN_KEYS needs 32 characters or more."),
        ({**KEYS, "TOKEN_KEYS": KEYS["TOKEN_KEYS"] + ",short"}, "Every key in TOKEN_KEYS needs 32 characters or more."),
        ({**KEYS, "OWNER_KEYS": "too short"}, "Every key in OWNER_KEYS needs 32 characters or more."),
        ({**KEYS, "TOKEN_KEYS": " , "}, "Every key in TOKEN_KEYS needs 32 characters or more."),
        ({**KEYS, "SECRET_KEY": "x7" * 24}, "SECRET_KEY needs 50 characters or more."),
        ({**KEYS, "SECRET_KEY": "short", "DEBUG": "1"}, "SECRET_KEY needs 50 characters or more."),
        ({**KEYS, "CLEANMAIL_API_URL": "http://gateway.example"}, "Use https://, or set ALLOW_HTTP_GATEWAY=1."),
        ({**KEYS, "CLEANMAIL_API_URL": "HTTP://10.0.0.1:9000/api"}, "Use https://, or set ALLOW_HTTP_GATEWAY=1."),
        ({**KEYS, "CLEANMAIL_API_URL": "http://127.0.0.1.example"}, "Use https://, or set ALLOW_HTTP_GATEWAY=1."),
        ({**KEYS, "CLEANMAIL_API_URL": "http://localhost.example"}, "Use https://, or set ALLOW_HTTP_GATEWAY=1."),
        ({**KEYS, "CLEANMAIL_API_URL": "gateway.example"}, "CLEANMAIL_API_URL is no address of a gateway"),
        ({**KEYS, "CLEANMAIL_API_URL": "ftp://gateway.example"}, "CLEANMAIL_API_URL is no address of a gateway"),
        ({**KEYS, "CLEANMAIL_API_URL": "https://"}, "CLEANMAIL_API_URL is no address of a gateway"),
        ({**KEYS, "CLEANMAIL_API_URL": "https://[::1"}, "CLEANMAIL_API_URL is no address of a gateway"),
        ({**KEYS, "CLEANMAIL_API_URL": "https://u:p@gateway.example"}, "CLEANMAIL_API_URL is no address of a gateway"),
        ({**KEYS, "CLEANMAIL_API_URL": "https://gateway.example/?a=b"}, "CLEANMAIL_API_URL is no address of a gateway"),
        (KEYS, "Set CLEANMAIL_API_URL"),
        ({**KEYS, "THREADS": "0"}, "THREADS is a number from 1 to 64."),
        ({**KEYS, "THREADS": "many"}, "THREADS is a number from 1 to 64."),
        ({**KEYS, "CALLS_AT_ONCE": "65"}, "CALLS_AT_ONCE is a number from 1 to 32."),
        ({**KEYS, "SANDBOX": "0"}, "Set CLEANMAIL_API_URL"),
        ({**KEYS, **GATEWAY, "SESSION_ENGINE": f"{STORES}.signed_cookies"}, "signing out cannot end them"),
        ({**KEYS, **GATEWAY, "SESSION_ENGINE": f"{STORES}.cache"}, "signing out cannot end them"),
        ({**KEYS, **GATEWAY, "SESSION_ENGINE": f"{STORES}.cached_db", "CACHE_URL": "locmemcache://"}, "signing out cannot end them"),
        ({**KEYS, **GATEWAY, "SESSION_IDLE_MINUTES": "0"}, "SESSION_IDLE_MINUTES is a number from 1 to 999."),
        ({**KEYS, **GATEWAY, "SESSION_IDLE_MINUTES": "-5"}, "SESSION_IDLE_MINUTES is a number from 1 to 999."),
        ({**KEYS, **GATEWAY, "DATABASE_URL": "portal.sqlite3"}, "DATABASE_URL is no address of a database"),
        ({**KEYS, **GATEWAY, "DATABASE_URL": "postgre://portal:a-password-of-20-letters@db/portal"}, "DATABASE_URL is no address of a database"),
        ({**KEYS, **GATEWAY, "TIME_ZONE": "Berlin"}, "TIME_ZONE is the name of a time zone"),
        ({**KEYS, **GATEWAY, "BATCH_WORKER": "celery"}, "BATCH_WORKER is thread or process."),
        ({**KEYS, **GATEWAY, "LOG_LEVEL": "info"}, "LOG_LEVEL is DEBUG, INFO"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else value[:20],
)
def test_production_says_in_one_sentence_what_is_missing_and_does_not_start(tmp_path: Path, environment: dict, message: str):
    started = manage(tmp_path, "check", **environment)
    assert started.returncode == 1
    assert message in started.stderr
    assert len(started.stderr.strip().splitlines()) == 1
    assert not [key for key in environment.values() if len(key) > 20 and key in started.stderr]
    assert "a-password" not in started.stderr
    assert list(tmp_path.iterdir()) == [], "no key is made up and kept"


def test_production_passes_every_check_of_a_deployment(tmp_path: Path):
    checked = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **KEYS, **GATEWAY)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "[::1]:9000", "localhost", "LOCALHOST"])
def test_a_gateway_on_the_same_machine_needs_no_certificate(tmp_path: Path, host: str):
    assert manage(tmp_path, "check", **{**KEYS, **GATEWAY, "CLEANMAIL_API_URL": f"http://{host}/api"}).returncode == 0


def test_the_check_of_a_deployment_names_a_gateway_without_a_certificate(tmp_path: Path):
    asked = {**KEYS, **GATEWAY, "CLEANMAIL_API_URL": "http://gateway.example", "ALLOW_HTTP_GATEWAY": "1"}
    assert manage(tmp_path, "check", **asked).returncode == 0
    checked = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **asked)
    assert checked.returncode == 1
    assert "ALLOW_HTTP_GATEWAY is set" in checked.stderr


def test_the_check_of_a_deployment_names_a_site_that_is_known_under_any_name(tmp_path: Path):
    asked = {**KEYS, **GATEWAY, "ALLOWED_HOSTS": "*"}
    checked = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **asked)
    assert checked.returncode == 1
    assert "ALLOWED_HOSTS has a *" in checked.stderr


def test_what_is_made_is_for_nobody_else_and_the_check_of_a_deployment_says_where_that_was_changed(tmp_path: Path):
    data = tmp_path / "data"
    assert manage(data, "migrate", **KEYS, **GATEWAY, DATABASE_URL=f"sqlite:///{tmp_path}/portal.sqlite3").returncode == 0
    assert manage(data, "demo", "--prepare", DEBUG="1").returncode == 0
    made = [data, *data.rglob("*"), *tmp_path.glob("*.sqlite3*")]
    assert len(made) > 4
    assert [file.name for file in made if file.stat().st_mode & 0o077] == []
    database = tmp_path / "portal.sqlite3"
    database.chmod(0o644)
    checked = manage(data, "check", "--deploy", **KEYS, **GATEWAY, DATABASE_URL=f"sqlite:///{database}")
    assert checked.returncode == 1
    assert f"chmod 600 {database}" in checked.stderr


def test_the_files_that_everybody_gets_can_be_read_by_whoever_serves_them(tmp_path: Path):
    assert manage(tmp_path, "collectstatic", "--noinput", **KEYS, **GATEWAY).returncode == 0
    assert [file.name for file in (tmp_path / "static").rglob("*") if not file.stat().st_mode & 0o004] == []


LOOK = """
from django.conf import settings
from django.urls import Resolver404, resolve
def answers(url):
    try:
        return bool(resolve(url))
    except Resolver404:
        return False
print(sorted(settings.DATABASES), "sandbox" in settings.INSTALLED_APPS, answers("/sandbox/api/users"), settings.SANDBOX,
      settings.DEBUG, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_NAME, settings.SECURE_SSL_REDIRECT)
from cleanmail_admin import upstream
print(type(upstream.transport()).__name__, upstream.BASE_URL)
"""


@pytest.mark.parametrize("more", [{}, {"SANDBOX": "1"}], ids=["", "asked for"])
def test_with_a_gateway_there_is_no_sandbox_in_production(tmp_path: Path, more: dict[str, str]):
    shown = manage(tmp_path, "shell", "--no-imports", "-c", LOOK, **KEYS, **GATEWAY, **more)
    assert shown.stderr == ""
    assert shown.stdout.splitlines() == [
        "['default'] False False False False True __Host-session True",
        f"HTTPTransport {GATEWAY['CLEANMAIL_API_URL']}",
    ]


def test_with_a_gateway_there_is_no_sandbox_while_debugging_either(tmp_path: Path):
    shown = manage(tmp_path, "shell", "--no-imports", "-c", LOOK, DEBUG="1", **GATEWAY)
    assert shown.stdout.splitlines()[0].startswith("['default'] False False False")


def test_without_a_gateway_the_sandbox_is_there_when_it_was_asked_for(tmp_path: Path):
    shown = manage(tmp_path, "shell", "--no-imports", "-c", LOOK, **KEYS, SANDBOX="1", ALLOWED_HOSTS="portal.example")
    assert shown.stdout.splitlines()[0].startswith("['default', 'sandbox'] True True True False True")


def test_technical_error_pages_are_for_ones_own_machine_alone(tmp_path: Path):
    look = "from django.conf import settings; print(settings.DEBUG)"
    for more, shown in ({**KEYS, **GATEWAY}, "False"), ({"DEBUG": "1"}, "True"):
        assert manage(tmp_path, "shell", "--no-imports", "-c", look, TECHNICAL_PAGES="1", **more).stdout.strip() == shown


# The code


@pytest.mark.django_db(databases=["default", "sandbox"])
def test_every_change_of_a_model_has_its_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


ESCAPES = {
    "a filter that switches escaping off": (r"\|\s*(?:safe|safeseq)\b", "{{ subject | safe }}"),
    "escaping switched off": (r"autoescape\b", "{% autoescape false %}"),
    "a style in an attribute": (r"[\s\"']style\s*=", '<p class="a"style="color: red">'),
    "a style sheet in the page": (r"<style", "<style>"),
    "a handler in an attribute": (r"(?<!with)[\s\"'](?:data-)?(?:hx-)?on[a-z:-]+\s*=", '<p hx-on:click="x()">'),
    "a script in the page": (r"<script(?![^>]*\ssrc=)", "<script>"),
    "a script in an address": (r"javascript:|[\"']js:", "hx-vals='js:{a: 1}'"),
    "an attribute without quotes": (r"<[a-z][^>]*\s[a-z-]+=(?:\{\{)", "<a href={{ url }}>"),
}


@pytest.mark.parametrize(("pattern", "example"), ESCAPES.values(), ids=ESCAPES)
def test_no_template_has(pattern: str, example: str):
    assert re.search(pattern, example)
    assert found(pattern, ".html", under=("templates/",)) == []


def test_no_line_of_a_template_is_longer_than_160_characters():
    assert found(r".{161}", ".html", under=("templates/",)) == []


def test_there_are_five_sizes_of_type_and_two_weights():
    styles = "".join(dict(files(".css")).values())
    sizes = {"var(--large)", "var(--title)", "var(--small)", "var(--tiny)", "1rem"}  # 20, 15, 13, 12 and 14 px
    assert {size.strip() for size in re.findall(r"font-size:([^;}]+)", styles)} <= sizes
    assert {weight.strip() for weight in re.findall(r"font-weight:([^;}]+)", styles)} == {"400", "600"}


@pytest.mark.parametrize(("kind", "most"), [("css", 9), ("js", 8)])
def test_what_every_browser_gets_from_us_is_small(kind: str, most: int):
    """In kilobytes, compressed as it is served."""
    sizes = [len(brotli.compress(file.read_bytes())) for file in (ROOT / "static").glob(f"*.{kind}")]
    assert sizes
    assert sum(sizes) <= most * 1024


def test_the_templates_are_looked_at():
    assert len(dict(files(".html"))) > 20
    assert found("<script", ".html", under=("templates/base.html",))


def test_no_python_of_the_portal_builds_markup():
    made = r"\bmark_safe\b|\bSafeString\b|\bSafeText\b|\bformat_html\b|\bformat_html_join\b|__html__|html_safe|is_safe\s*=\s*True|\bMarkup\("
    assert found(made, ".py", under=("portal/", "cleanmail_admin/")) == []


def test_only_the_sandbox_is_free_of_the_check_for_forged_forms():
    assert {line.partition(":")[0] for line in found(r"csrf_exempt", ".py", under=("portal/", "cleanmail_admin/"))} <= {
        "cleanmail_admin/urls.py"
    }


def test_no_script_of_ours_makes_markup_or_code_from_text():
    made = r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|document\.write|\beval\b|\bFunction\s*\("
    assert found(made, ".js", under=("static/",)) == []
    assert found(r"set(?:Timeout|Interval)\s*\(\s*[\"'`]|srcdoc|javascript:", ".js", under=("static/",)) == []
    assert dict(files(".js")), "there is a script to look at"
