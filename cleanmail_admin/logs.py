"""What our log leaves out."""

import logging


class Routes(logging.Filter):
    """Django's log lines name the address, and ids and mail addresses are in it: the route says enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            route = getattr(getattr(request, "resolver_match", None), "route", "") or "an unknown address"
            known = (getattr(request, "path", None), getattr(request, "path_info", None))
            record.args = tuple(f"/{route}" if value in known else value for value in record.args)
        return True
