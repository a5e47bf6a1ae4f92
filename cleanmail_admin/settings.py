"""Settings, from the environment only; README.md lists every variable.

The defaults are the secure ones. `DEBUG=1` is for one's own machine: plain HTTP, keys kept in var/, the sandbox allowed.
Django's own DEBUG, with its technical error pages, is a switch apart (TECHNICAL_PAGES=1): people who try the product see the
product's pages.
"""

import logging
import os
import secrets
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from warnings import catch_warnings
from zoneinfo import available_timezones

import environ
import httpx
from django.core.exceptions import ImproperlyConfigured

from cleanmail_admin import capacity

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))

LOCAL = env.bool("DEBUG", default=False)
DEBUG = LOCAL and env.bool("TECHNICAL_PAGES", default=False)


def _key(name: str) -> str:
    """A key from the environment; with DEBUG=1 one is made once and kept in var/, so that sessions outlive a restart."""
    value: str = env.str(name, default="")
    if value:
        return value
    if not LOCAL:
        raise ImproperlyConfigured(f"Set {name}: production does not start without its keys (README.md, Settings).")
    file = VAR / f"debug-{name.lower().replace('_', '-')}"
    try:
        VAR.mkdir(parents=True, exist_ok=True)
        # Made under a name of its own and then linked: of two processes that start at once, one makes the key for both.
        if not file.exists():
            new = file.with_suffix(f".{secrets.token_hex(4)}")
            new.touch(mode=0o600)
            new.write_text(secrets.token_urlsafe(48))
            with suppress(FileExistsError):
                os.link(new, file)
            new.unlink()
        return file.read_text().strip()
    except OSError as problem:
        raise ImproperlyConfigured(f"The data folder {VAR} cannot be written: {problem}") from None


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SECRET_KEY = _key("SECRET_KEY")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY needs 50 characters or more.")
# Seal the gateway tokens inside the sessions. The first key encrypts, all of them decrypt: put a new one in front to rotate.
TOKEN_KEYS = [key.strip() for key in _key("TOKEN_KEYS").split(",") if key.strip()]
if not TOKEN_KEYS or any(len(key) < 32 for key in TOKEN_KEYS):
    raise ImproperlyConfigured("Every key in TOKEN_KEYS needs 32 characters or more.")
# Hash who somebody is, for what is stored of people. The first key is used; what was stored by the others follows when the person
# signs in next. (One SECRET_KEY is one key here, whatever characters are in it.)
OWNER_KEYS = [key.strip() for key in env.str("OWNER_KEYS", default="").split(",") if key.strip()] or [SECRET_KEY]
if any(len(key) < 32 for key in OWNER_KEYS):
    raise ImproperlyConfigured("Every key in OWNER_KEYS needs 32 characters or more.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if LOCAL else [])

# The gateway. Empty means the embedded sandbox.
CLEANMAIL_API_URL = env.str("CLEANMAIL_API_URL", default="").rstrip("/")
ALLOW_HTTP_GATEWAY = env.bool("ALLOW_HTTP_GATEWAY", default=LOCAL)  # over a network that nobody else is in
if CLEANMAIL_API_URL:
    try:
        _gateway = httpx.URL(CLEANMAIL_API_URL)
    except httpx.InvalidURL:
        _gateway = httpx.URL("")
    if _gateway.scheme not in ("http", "https") or not _gateway.host or _gateway.userinfo or _gateway.query or _gateway.fragment:
        raise ImproperlyConfigured("CLEANMAIL_API_URL is no address of a gateway, like https://gateway.example/api.")
    if _gateway.scheme == "http" and not ALLOW_HTTP_GATEWAY and not _on_this_machine(_gateway.host):
        raise ImproperlyConfigured(
            "CLEANMAIL_API_URL begins with http://: whoever is on the way can read the tokens. "
            "Use https://, or set ALLOW_HTTP_GATEWAY=1."
        )
SANDBOX = env.bool("SANDBOX", default=LOCAL) and not CLEANMAIL_API_URL
if not CLEANMAIL_API_URL and not SANDBOX:
    raise ImproperlyConfigured("Set CLEANMAIL_API_URL to the gateway's address, or SANDBOX=1 to serve the embedded sandbox.")
UPSTREAM = "cleanmail_admin.upstream"  # the module that makes the connection
CALLS_AT_ONCE = capacity.CALLS_AT_ONCE
# Where the gateway keeps held mail; the contract names no folder.
QUARANTINE_FOLDER = env.str("QUARANTINE_FOLDER", default="Quarantine")
# Folders besides it whose mail is held, and can be released.
HELD_FOLDERS = [path.strip() for path in env.list("HELD_FOLDERS", default=[]) if path.strip()]
# What is asked for of a mail: the contract names HEADERS alone, which is what an owner gets who asks for nothing.
EMAIL_FIELDS = [field.strip() for field in env.list("EMAIL_FIELDS", default=["HEADERS", "CONTENT", "SOURCE"]) if field.strip()]
# The gateway's own mail servers, for the MX records of new domains; without them they are read from a report that names them.
GATEWAY_MX = env.list("GATEWAY_MX", default=[])

# The name under which the gateway signs its Authentication-Results. Known, no other header of that name is believed.
AUTHSERV_ID = env.str("AUTHSERV_ID", default="")

INSTALLED_APPS = [
    "django.contrib.sessions",
    "django.forms",  # for the templates of its widgets
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_tables2",
    "portal",
    "portal.audit",
    "portal.batches",
    "cleanmail_admin",
]
MIDDLEWARE = [
    "portal.middleware.security_headers",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.bodies",  # before whatever could read one
    "django.middleware.gzip.GZipMiddleware",  # pads at random, so that lengths tell nothing of secrets (BREACH)
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.middleware.SignedIn",
    "portal.middleware.ApiErrors",
]
ROOT_URLCONF = "cleanmail_admin.urls"
WSGI_APPLICATION = "cleanmail_admin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "portal.ui.engine.Templates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # for the templates of Django's form widgets
        "OPTIONS": {
            "environment": "portal.ui.engine.environment",
            "auto_reload": LOCAL,
            "context_processors": ["django.contrib.messages.context_processors.messages", "portal.ui.pages.layout"],
        },
    },
]
FORM_RENDERER = "portal.ui.forms.Renderer"

# WAL lets readers go on while one writes; IMMEDIATE makes a writer wait for its turn instead of failing half-way.
SQLITE = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}
with catch_warnings(action="ignore"):  # of an address with a slip of the pen, the password would be told
    DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR / 'portal.sqlite3'}")}
if "." not in DATABASES["default"].get("ENGINE", ""):
    raise ImproperlyConfigured("DATABASE_URL is no address of a database, like sqlite:////path or postgres://host/name.")
DATABASES["default"]["CONN_MAX_AGE"] = 600
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / "test-portal.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if SANDBOX:
    INSTALLED_APPS.append("sandbox")
    DATABASES["sandbox"] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(VAR / "sandbox.sqlite3"),
        "OPTIONS": SQLITE,
        "CONN_MAX_AGE": 600,
        "TEST": {"NAME": str(VAR / "test-sandbox.sqlite3")},
    }
    DATABASE_ROUTERS = ["cleanmail_admin.upstream.SandboxRouter"]
# What of the world the sandbox may touch: nothing, until it is told. "host" or "host:port" each.
SANDBOX_RESOLVER = env.str("SANDBOX_RESOLVER", default="")  # asked by the diagnostics of domains
SANDBOX_MX = [host.lower() for host in env.list("SANDBOX_MX", default=["mx1.gateway.example", "mx2.gateway.example"])]
SANDBOX_RELAY_CHECKS = env.str("SANDBOX_RELAY_CHECKS", default="loopback")  # "any": of relays elsewhere too
SANDBOX_SMTP = env.str("SANDBOX_SMTP", default="")  # takes the mail that is released or sent; without one it is put in a folder
SANDBOX_MAIL_DIR = Path(env.str("SANDBOX_MAIL_DIR", default=str(VAR / "sandbox-mail")))
SANDBOX_APP_URL = env.str("SANDBOX_APP_URL", default="http://127.0.0.1:8000").rstrip("/")  # links in mails lead there
SANDBOX_TIMEOUT = env.float("SANDBOX_TIMEOUT", default=5.0)  # seconds that another server has to answer
SANDBOX_FAULTS = env.str("SANDBOX_FAULTS", default="")  # see docs/sandbox.md

# Sessions live in our database; the browser holds a key only (portal/session.py has the limits).
SESSION_ENGINE = env.str("SESSION_ENGINE", default="django.contrib.sessions.backends.db")
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = capacity.number("SESSION_IDLE_MINUTES", 120, 999) * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "session" if LOCAL else "__Host-session"
CSRF_COOKIE_NAME = "csrf" if LOCAL else "__Host-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.pages.errors.csrf_failure"
MESSAGE_STORAGE = "portal.session.Messages"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = not LOCAL
LANGUAGE_COOKIE_SAMESITE = "Lax"
if cache := env.str("CACHE_URL", default=""):
    CACHES = {"default": env.cache_url_config(cache)}
own_cache = not cache or CACHES["default"]["BACKEND"].endswith((".LocMemCache", ".DummyCache"))
if SESSION_ENGINE.endswith(".signed_cookies") or ("cache" in SESSION_ENGINE and own_cache):
    raise ImproperlyConfigured(
        "SESSION_ENGINE keeps sessions where signing out cannot end them for all processes. "
        "Use the database, or set CACHE_URL to a cache that all of them share."
    )

SECURE_SSL_REDIRECT = not LOCAL
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes speak plain HTTP to the process itself
SECURE_HSTS_SECONDS = 0 if LOCAL else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading is the domain owner's decision, for all of the domain
X_FRAME_OPTIONS = "DENY"
# One proxy in front that sets X-Forwarded-For and X-Forwarded-Proto itself. Never set it without that proxy.
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# An error page never shows a local variable: one of them could be a token.
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.middleware.NoVariables"

LANGUAGE_CODE = "en"
LANGUAGES = [("de", "Deutsch"), ("en", "English"), ("fr", "Français"), ("es", "Español"), ("da", "Dansk"), ("nb", "Norsk bokmål")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured("TIME_ZONE is the name of a time zone, like Europe/Berlin.")

# Only views that are marked with `takes` get here with a file, and it goes to a disk block by block.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000  # a folder's selection has one for each mail

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    }
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = LOCAL

# Batches run in a thread of each web process; BATCH_WORKER=process leaves them to `manage.py batches`.
BATCH_WORKER = env.str("BATCH_WORKER", default="thread")
if BATCH_WORKER not in ("thread", "process"):
    raise ImproperlyConfigured("BATCH_WORKER is thread or process.")

LOG_LEVEL = env.str("LOG_LEVEL", default="")
if LOG_LEVEL not in ("", *logging.getLevelNamesMapping()):
    raise ImproperlyConfigured("LOG_LEVEL is DEBUG, INFO, WARNING, ERROR or CRITICAL.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"routes": {"()": "cleanmail_admin.logs.Routes"}},
    "formatters": {"line": {"()": "cleanmail_admin.logs.Lines", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["routes"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL or "WARNING"},
    "loggers": {
        "portal": {"level": LOG_LEVEL or "INFO"},
        # httpx logs whole addresses, and people's mail addresses are in them.
        "httpx": {"level": "ERROR"},
        "httpcore": {"level": "ERROR"},
        "django.server": {"handlers": [], "propagate": False},
    },
}
logging.raiseExceptions = LOCAL
