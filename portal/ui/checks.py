"""Running a diagnostic now."""

from typing import Any

from portal.api import health
from portal.api.operation import Operation
from portal.audit.log import DoneAlready, act
from portal.ui.pages import PortalRequest


def run(request: PortalRequest, type: str, id: str, target: str, url: str) -> health.EntityHealth:
    """The diagnostic of a domain, or of a relay (`type` is "PLATFORM"). A second click gets what the first one found."""
    run: Operation = health.CHECK_RELAY if type == "PLATFORM" else health.CHECK_DOMAIN
    read: Operation = health.READ_RELAY if type == "PLATFORM" else health.READ_DOMAIN
    ids: dict[str, Any] = {"platformId": id} if type == "PLATFORM" else {"domainId": id}
    try:
        once = request.POST.get("once", "")
        found: health.EntityHealth = act(
            request.person, request.api, run, health.EntityHealth, target=target, url=url, once=once, **ids
        )
        return found
    except DoneAlready:
        return request.api.call(read, health.EntityHealth, **ids)
