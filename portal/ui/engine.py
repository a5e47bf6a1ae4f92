"""The template engine: Django's backend for Jinja2, with one environment for each language (docs/decisions/0026).

Jinja2 works out at compile time what a filter makes of a constant. So the texts, addresses and icons of a page's frame, as
`{{ "Users"|t }}`, `{{ "home"|url }}`, `{{ "app.css"|static }}` and `{{ "info"|icon }}`, are part of the compiled template, and
escaped as any value is. Escaping is the engine's: nothing here marks anything as safe, and an icon is made by a template.
"""

from datetime import datetime, tzinfo
from typing import Any

from django.conf import settings
from django.template.backends import jinja2 as backend
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext, override
from jinja2 import ChainableUndefined, Environment, Undefined, pass_context
from jinja2.runtime import Context

from portal.ui import filters, heads


class Templates(backend.Jinja2):
    """Templates in the language that is active when they are asked for."""

    @property
    def env(self) -> Environment:
        return self._environments.get(get_language() or "", self._environments[settings.LANGUAGE_CODE])

    @env.setter
    def env(self, plain: Environment) -> None:
        self._environments = {code: speaking(plain, code) for code, _name in settings.LANGUAGES}


def environment(**options: Any) -> Environment:
    """Jinja2 as Django's backend sets it up, with what does not depend on the language.

    What a view did not give is nothing, as None is: `{% if page is none %}`, and so is what is looked for in it.
    """
    options |= {"undefined": ChainableUndefined, "extensions": ["jinja2.ext.i18n"]}
    env = Environment(**options)  # noqa: S701 (autoescape is in options)
    env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals |= {
        "LANGUAGES": settings.LANGUAGES,
        "domain_tabs": heads.domain_tabs,
        "here_with": here_with,
        "this_year": this_year,
        "time_zone": timezone.get_current_timezone,
        "user_tabs": heads.user_tabs,
    }
    env.filters |= filters.FILTERS | {"length": length, "static": static, "url": url}
    env.tests |= {"none": is_none}
    return env


def speaking(plain: Environment, language: str) -> Environment:
    """The environment for one language."""
    env = plain.overlay()
    env.globals = plain.globals | {"LANGUAGE_CODE": language}

    def t(text: str) -> str:
        # A template is compiled once for all: so its texts are in its own language, whichever is active then.
        with override(language):
            return gettext(text)

    def icon(name: str, kind: str = "", label: str = "") -> Any:
        return env.get_template("_icon.html").module.icon(name, kind, label)  # type: ignore[attr-defined]

    env.filters = plain.filters | {"t": t, "icon": icon} | filters.in_language(language)
    return env


def url(name: str, *ids: Any) -> str:
    """The address of a view: `{{ "user-hub"|url(user.id) }}`."""
    return reverse(name, args=ids)


@pass_context
def here_with(context: Context, **changes: Any) -> str:
    """The current address with some query parameters changed; None or "" removes one."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = value
    return "?" + str(query.urlencode())


def this_year(zone: tzinfo) -> int:
    return datetime.now(zone).year


def length(value: Any) -> int:
    """How many there are; where nobody said, none."""
    return 0 if value is None else len(value)


def is_none(value: Any) -> bool:
    return value is None or isinstance(value, Undefined)
