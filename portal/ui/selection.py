"""Rows that are selected in a list, and what can be done with them: one bar for all lists (templates/_selection.html).

A page says which actions it has, and gets back the ids that were ticked, or "all that match" with the view of the list that it is
about. The rows of that are asked for again where the work begins: what a browser says of them counts for nothing.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode

from portal.ui.pages import one_time_key

MOST = 1000  # rows that are worked on together
LONGEST_VIEW = 1500  # characters of an address's query


@dataclass(frozen=True)
class Action:
    """A button of the bar: where it posts to, what it says, and what that means."""

    label: Any  # a text, or one to translate when it is shown
    url: str
    about: Any = ""
    icon: str = ""
    kind: str = "primary"


@dataclass(frozen=True)
class Selected:
    """What was selected: ids, or everything that `view` shows (the query of the list's address)."""

    ids: list[str]
    everything: bool
    view: QueryDict

    def __bool__(self) -> bool:
        return bool(self.ids) or self.everything

    def at(self, url: str) -> str:
        """The list it was selected in, as it was shown."""
        return f"{url}?{self.view.urlencode()}" if self.view else url


def bar(page: Any, view: dict[str, str], *actions: Action, narrowed: bool) -> dict[str, Any]:
    """The context of the bar under a `page` of a list. `view` is what its address says, `narrowed` whether that is a search."""
    total = page.paginator.count
    query = urlencode({name: value for name, value in view.items() if name != "page"})
    return {
        "actions": actions,
        "total": min(total, MOST),
        "cut": total > MOST,
        "more": total > len(page.object_list) and len(query) <= LONGEST_VIEW,
        "narrowed": narrowed,
        "view": query,
        "once": one_time_key(),
    }


def selected(request: HttpRequest, name: str, view: tuple[str, ...]) -> Selected:
    """What a form with the bar sent: the boxes called `name`. Of its view, only what the list knows counts."""
    query = request.POST.get("view", "")
    asked = QueryDict(query if len(query) <= LONGEST_VIEW else "", mutable=True)
    for other in asked.keys() - set(view):
        del asked[other]
    everything = "all" in request.POST and len(query) <= LONGEST_VIEW
    ids = [] if everything else list(dict.fromkeys(request.POST.getlist(name)))[:MOST]
    return Selected(ids, everything, asked)
