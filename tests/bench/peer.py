"""The peer: Django's admin with its default middlewares, its own database and a superuser."""

import os
from datetime import UTC, datetime
from typing import Any

_DJANGO = "django.contrib."
SETTINGS = {
    "SECRET_KEY": "a key of the benchmark, and only of the benchmark",
    "ALLOWED_HOSTS": ["localhost"],
    "DEBUG_PROPAGATE_EXCEPTIONS": True,
    "ROOT_URLCONF": "tests.bench.admin",
    "INSTALLED_APPS": [_DJANGO + app for app in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")]
    + ["tests.bench"],
    "MIDDLEWARE": [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    "DATABASES": {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(os.environ.get("DATA_DIR", ""), "admin.sqlite3"),
            "CONN_MAX_AGE": 600,
        }
    },
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "STATIC_URL": "/static/",
    "USE_TZ": True,
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
}


def fill(rows: list[dict[str, Any]]) -> None:
    """The superuser, and three pages of rows like the gateway's."""
    from django.contrib.auth.models import User as Account

    from tests.bench.models import User

    Account.objects.create_superuser("root", "root@localhost", "root")
    User.objects.bulk_create(
        User(
            email=f"{page}{row['email']}",
            firstname=row["firstname"],
            lastname=row["lastname"],
            status=row["status"],
            language=row["language"],
            policy=row["policy"]["name"],
            created=_moment(row["creationDate"]),
            seen=_moment(row["lastConnectionDate"]),
        )
        for page in "abc"
        for row in rows
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
