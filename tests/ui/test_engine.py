"""The template engine: what is found out once for each language, what is escaped, and what is not there."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.template import engines
from django.urls import reverse
from django.utils.translation import override
from jinja2 import Environment

LANGUAGES = [code for code, _name in settings.LANGUAGES]
SCRIPT = "\"'><script>alert(1)</script>&amp;"


def environment(language: str) -> Environment:
    with override(language):
        return engines["engine"].env  # type: ignore[attr-defined]


def rendered(source: str, language: str = "en", **values: Any) -> str:
    with override(language):
        return environment(language).from_string(source).render(values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_can_be_read_in_every_language(language: str):
    env = environment(language)
    names = env.list_templates(extensions=["html"])
    assert len(names) > 100
    assert {env.get_template(name).name for name in names} == set(names)


def test_what_depends_on_the_language_alone_is_text_of_the_compiled_page():
    source = """{{ "Users"|t }} {{ "domain-list"|url }} {{ "app.css"|static }} {{ "info"|icon }}"""
    compiled = environment("de").compile(source, raw=True)
    for text in ("Benutzer", "/domains/", "/static/app.css", "<svg", "icons.svg#info"):
        assert text in compiled
    assert "_filter" not in compiled.split("def root")[1]


def test_a_page_is_in_its_language_although_another_one_was_read_first():
    assert [rendered("""{{ "Users"|t }}""", code) for code in ("de", "en", "fr", "de")] == ["Benutzer", "Users", "Utilisateurs", "Benutzer"]


def test_the_texts_of_a_page_do_not_depend_on_the_language_that_is_active_when_it_is_read():
    env = environment("de")
    with override("fr"):
        assert env.from_string("""{{ "Users"|t }}""").render() == "Benutzer"


@pytest.mark.parametrize("source", [
    "{{ x }}", "<p title='{{ x }}'>", "{{ x|visible }}", "{{ x|t }}", "{{ [x]|join(', ') }}", "{% trans x %}Check {{ x }} again{% endtrans %}",
    "{% trans count=2, x=x %}{{ x }} one{% pluralize %}{{ x }} many{% endtrans %}", "{{ x|icon }}", "{{ 'info'|icon(label=x) }}", "{{ 'info'|icon(x) }}",
    "{{ x|truncatechars(300) }}", "{{ x|linebreaksbr }}", "{{ x|capfirst }}", "{{ x|people }}", "{{ 'until %(date)s'|t|format(date=x) }}",
])
def test_a_value_is_escaped_once(source: str):
    page = rendered(source, x=SCRIPT)
    assert "&lt;script&gt;" in page and "&amp;amp;" in page
    assert "<script" not in page and "'><" not in page and "&amp;lt;" not in page


def test_a_text_is_escaped_once_whether_it_is_known_at_compile_time_or_not():
    assert rendered("""{{ "a < b & c"|t }} {{ x|t }}""", x="a < b & c") == "a &lt; b &amp; c a &lt; b &amp; c"


def test_an_address_has_its_ids_encoded():
    assert rendered("{{ 'user-hub'|url(x) }}", x="<a/b>") == reverse("user-hub", args=("<a/b>",))
    assert rendered("{{ x|quoted }}", x="a/b c&d") == "a%2Fb%20c%26d"


def test_what_a_view_did_not_give_is_nothing():
    source = "{{ x }}{{ x.y.z }}{{ of.x.y }}{% for a in x %}a{% endfor %}{% if x or x.y or x == 1 %}b{% endif %}{{ x|length }}{{ none|length }}"
    assert rendered(source, of=None) == "00"
    assert rendered("{{ x is none }} {{ y is none }} {{ z is none }} {{ of.z is none }}", x=None, y="", of=None) == "True False True True"


def test_a_number_is_written_as_the_reader_s_language_does():
    assert rendered("{{ x|number }}", "de", x=4.5) == "4,5"
    assert rendered("{{ x|number }}", "en", x=4.5) == "4.5"


def test_a_time_that_has_no_zone_is_shown_as_it_is():
    assert rendered("{{ at|minute(2026) }} {{ none|local or '' }}", at=datetime(2026, 11, 30, 9, 5)) == "30 Nov, 09:05 "


def test_rows_that_stand_together_are_grouped_and_stay_in_their_order():
    rows = [SimpleNamespace(name=name, n=n) for n, name in enumerate(["spf", "spf", "dkim", "spf"])]
    source = "{% for name, group in rows|grouped('name') %}{{ name }}:{% for one in group %}{{ one.n }}{% endfor %} {% endfor %}"
    assert rendered(source, rows=rows) == "spf:01 dkim:2 spf:3 "
