"""Running a diagnostic now, and what the reports of other domains tell."""

from typing import Any

from django.conf import settings

from portal.api import health
from portal.api.client import Client
from portal.api.errors import ApiError, SignedOut
from portal.api.operation import Operation
from portal.audit.log import act
from portal.meaning.diagnosis import hosts_of
from portal.ui.pages import PortalRequest


def run(request: PortalRequest, type: str, id: str, target: str, url: str) -> health.EntityHealth:
    """The diagnostic of a domain (`type` is "DOMAIN"), else of a relay. A second click gets what the first one found."""
    run: Operation = health.CHECK_DOMAIN if type == "DOMAIN" else health.CHECK_RELAY
    read: Operation = health.READ_DOMAIN if type == "DOMAIN" else health.READ_RELAY
    ids: dict[str, Any] = {"domainId": id} if type == "DOMAIN" else {"platformId": id}
    once = request.POST.get("once", "")
    written = act(request.person, request.api, run, health.EntityHealth, target=target, url=url, once=once, ids=ids)
    return request.api.call(read, health.EntityHealth, ids=ids) if written.repeated else written.answer


def mail_servers(api: Client) -> list[str]:
    """The gateway's own: those of the settings, else as the report of any failing domain names them (one call), else none."""
    if settings.GATEWAY_MX:
        return list(settings.GATEWAY_MX)
    try:
        return hosts_of(api.call(health.ERRORS, list[health.DiagnosticEntry]))
    except SignedOut:
        raise
    except ApiError:
        return []
