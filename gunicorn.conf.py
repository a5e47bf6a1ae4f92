"""How the process is served; gunicorn reads this by itself. A slow gateway holds a thread, not a processor."""

import os

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 32  # as many as the pool to the gateway has connections
timeout = 60  # above the longest call to the gateway
keepalive = 5
control_socket_disable = True
