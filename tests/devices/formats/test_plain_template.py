import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from devices.formats.plain_template import Template, evaluate, parse, rendered


def run(text, bare="", parsed=None):
    template = parse(text)
    assert template is not None, text
    return evaluate(template, bare, parsed)


@pytest.mark.parametrize(
    ("text", "parsed", "said"),
    [
        ("{{ value_json.state }}", {"state": "ON"}, "ON"),
        ("{{value_json.state}}", {"state": True}, "True"),
        ("{{- value_json.a.b -}}", {"a": {"b": 1}}, "1"),
        ("{{ value_json['a b']['c'] }}", {"a b": {"c": 1.5}}, "1.5"),
        ('{{ value_json["x"] | upper }}', {"x": "on"}, "ON"),
        ("{{ value_json.x | int }}", {"x": "7"}, "7"),
        ("{{ value_json.x | int }}", {"x": "seven"}, "0"),
        ("{{ value_json.x|trim|lower }}", {"x": " ON "}, "on"),
        ("{{ value_json.x | string }}", {"x": None}, "None"),
        ("{{ value_json.nowhere }}", {"x": 1}, ""),
        ("{{ value_json.x.y }}", {"x": 1}, ""),
        ("{{ value_json.x }}", {"x": [1]}, None),
        ("{{ 'ON' if value_json.open else 'OFF' }}", {"open": False}, "OFF"),
        ("{{ 'ON' if value_json.s == 'open' else 'OFF' }}", {"s": "open"}, "ON"),
        ("{{ 'ON' if value_json.s != 1 else 'OFF' }}", {"s": 1}, "OFF"),
        ('{{ "ON" if value_json.s == true else "OFF" }}', {"s": True}, "ON"),
        ("{% if value_json.contact %}OFF{% else %}ON{% endif %}", {"contact": True}, "OFF"),
        ("{%- if value_json.n == 2 -%} A {%- else -%} B {%- endif -%}", {"n": 2}, "A"),
    ],
)
def test_plain_forms(text, parsed, said):
    assert run(text, parsed=parsed) == said


def test_the_bare_payload():
    assert run("{{ value }}", bare="ON") == "ON"
    assert run("{{ value | lower }}", bare="ON") == "on"
    assert run("{{ 'a' if value == 'ON' else 'b' }}", bare="OFF") == "b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ON",
        "{{ states('lock.door') }}",
        "{{ value_json }}",
        "{{ value_json.x + 1 }}",
        "{{ value_json.x | regex_replace('a', 'b') }}",
        "{{ value_json.__class__() }}",
        "{% for x in value_json %}{{ x }}{% endfor %}",
        "{{ value_json.a }}{{ value_json.b }}",
        "{{ 'ON' if value_json.a and value_json.b else 'OFF' }}",
        "{{ value_json" + ".a" * 9 + " }}",
        "{{ value_json.a" + " " * 300 + "}}",
    ],
)
def test_what_is_not_run(text):
    assert parse(text) is None


@given(
    form=st.sampled_from(
        [
            "{{ value_json.x }}",
            "{{ value_json['x'] | lower }}",
            "{{ value_json.x | int }}",
            "{{ value_json.x | string | upper | trim }}",
            "{{ 'yes' if value_json.x else 'no' }}",
            "{{ 'yes' if value_json.x == 'on' else 'no' }}",
            "{{ 'yes' if value_json.x != 1 else 'no' }}",
            "{{ 'yes' if value_json.x | int == 1 else 'no' }}",
            "{{ 'yes' if value_json.x == true else 'no' }}",
            "{% if value_json.x == '1' %}yes{% else %}no{% endif %}",
            "{%- if value_json.x -%} yes {%- else -%} no {%- endif -%}",
        ]
    ),
    x=st.one_of(
        st.booleans(),
        st.none(),
        st.integers(-(10**9), 10**9),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["on", "ON", " on ", "1", "0", "1.5", "1e3", "+7", "seven", "", "True", "inf"]),
        st.text(max_size=9),
    ),
)
@example(form="{{ value_json.x | int }}", x="1_0")
def test_jinja_says_the_same(form, x):
    theirs = ImmutableSandboxedEnvironment().from_string(form).render(value_json={"x": x})
    ours = run(form, parsed={"x": x})
    assert ours is not None
    assert ours.strip() == theirs.strip()


def test_where_we_differ_from_jinja_on_purpose():
    """A value that is not there is no closed door: Jinja would choose the second word."""
    form = "{{ 'ON' if value_json.x else 'OFF' }}"
    assert ImmutableSandboxedEnvironment().from_string(form).render(value_json={}) == "OFF"
    assert run(form, parsed={}) == ""


def test_how_jinja_writes_values():
    assert [rendered(v) for v in (True, None, 1, 1.0, "x", [1], {})] == ["True", "None", "1", "1.0", "x", None, None]


def test_a_template_can_be_remembered():
    template = parse("{{ 'ON' if value_json.a == 1 else 'OFF' }}")
    assert msgspec.convert(msgspec.to_builtins(template), Template) == template
