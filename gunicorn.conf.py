"""How the process is served; gunicorn reads this by itself. A slow gateway holds a thread, not a processor."""

import os
from typing import Any

from cleanmail_admin import capacity

os.umask(0o077)  # what is written is for nobody else
bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "cleanmail_admin.serving.Worker"  # gthread that waits for nobody without end
logger_class = "cleanmail_admin.serving.Log"
worker_connections = 500  # with the databases and the gateway's, fewer than the 1,024 files that a process may have open
sendfile = False  # the kernel would wait for a reader, and not we
threads = capacity.THREADS
timeout = 60  # above the longest call to the gateway
keepalive = 5  # also for the first bytes of a connection
control_socket_disable = True
forwarder_headers = ""  # no client says where we are mounted
# For whoever switches the access log on: %(U)s is the route (cleanmail_admin/serving.py), and there is nothing that says more.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)sms'


def pre_request(worker: Any, request: Any) -> None:
    """Nothing. gunicorn's own writes the path into the log when that is at its most talkative."""


def on_starting(server: Any) -> None:
    """On one's own machine the databases are made before the first page; in production that is a step of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cleanmail_admin.settings")
    import django
    from django.conf import settings

    if settings.LOCAL:
        django.setup()
        from cleanmail_admin.prepare import prepare

        prepare()
