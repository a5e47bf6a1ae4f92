"""How the process is served; gunicorn reads this by itself. A slow gateway holds a thread, not a processor."""

import os
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 32  # as many as the pool to the gateway has connections
timeout = 60  # above the longest call to the gateway
keepalive = 5
control_socket_disable = True
forwarder_headers = ""  # no client says where we are mounted
# For whoever switches the access log on: no query and no referrer, since the address of a sign-in link holds a token.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)sms'


def on_starting(server: Any) -> None:
    """On one's own machine the databases are made before the first page; in production that is a step of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cleanmail_admin.settings")
    import django
    from django.conf import settings

    if settings.LOCAL:
        django.setup()
        from cleanmail_admin.prepare import prepare

        prepare()
