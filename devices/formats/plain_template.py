"""The plain forms of Home Assistant's value templates, understood without running a template language.

Understood: `{{ value }}`, `{{ value_json.a.b }}`, `{{ value_json['a'] }}` with the filters upper, lower, trim, int,
string; `{{ 'X' if <that> [== literal] else 'Y' }}`; `{% if … %}X{% else %}Y{% endif %}`.  Anything else is not
evaluated: a template is a program, and a program from the network is not run.
"""

import re

import msgspec

Scalar = bool | int | float | str | None


class Template(msgspec.Struct):
    """A template taken apart, JSON-like so that it can be remembered.

    `path` None means the bare payload.  With `chosen` the result is one of two words: the first where the value equals
    `equals` (or is true, where nothing is `compared`), `negated` turns that round.
    """

    path: list[str] | None = None
    filters: list[str] = []
    chosen: tuple[str, str] | None = None
    compared: bool = False
    equals: str | int | bool = ""
    negated: bool = False


_SPACE = r"\s*"
_STEP = r"(?:\.[A-Za-z_][A-Za-z0-9_]*|\[\s*'[^'\[\]]{1,60}'\s*\]|\[\s*\"[^\"\[\]]{1,60}\"\s*\])"
_FILTER = r"(?:\s*\|\s*(?:upper|lower|trim|int|string))"
_VALUE = rf"(?P<value>value_json{_STEP}{{1,8}}|value)(?P<filters>{_FILTER}{{0,4}})"
_LITERAL = r"(?:'(?:[^']{0,60})'|\"(?:[^\"]{0,60})\"|-?\d{1,9}|true|false|True|False)"
_TEST = rf"{_VALUE}(?:\s*(?P<sign>==|!=)\s*(?P<literal>{_LITERAL}))?"

_PLAIN = re.compile(rf"\s*\{{\{{-?{_SPACE}{_VALUE}{_SPACE}-?\}}\}}\s*\Z")
_CHOICE = re.compile(
    rf"\s*\{{\{{-?{_SPACE}(?P<yes>'[^']{{0,60}}'|\"[^\"]{{0,60}}\")\s+if\s+{_TEST}\s+else\s+"
    rf"(?P<no>'[^']{{0,60}}'|\"[^\"]{{0,60}}\"){_SPACE}-?\}}\}}\s*\Z"
)
_BLOCK = re.compile(
    rf"\s*\{{%-?\s*if\s+{_TEST}\s*-?%\}}(?P<yes>[^{{}}]{{0,60}})\{{%-?\s*else\s*-?%\}}(?P<no>[^{{}}]{{0,60}})"
    rf"\{{%-?\s*endif\s*-?%\}}\s*\Z"
)
_STEPS = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*['\"]([^'\"]+)['\"]\s*\]")
_LONGEST = 300


def parse(text: str) -> Template | None:
    """The template, or None where it is none of the plain forms."""
    if len(text) > _LONGEST:
        return None
    if found := _PLAIN.match(text):
        return Template(path=_path(found["value"]), filters=_filters(found["filters"]))
    for pattern, quoted in ((_CHOICE, True), (_BLOCK, False)):
        if found := pattern.match(text):
            yes, no = found["yes"], found["no"]
            return Template(
                path=_path(found["value"]),
                filters=_filters(found["filters"]),
                chosen=(yes[1:-1], no[1:-1]) if quoted else (yes.strip(), no.strip()),
                compared=found["literal"] is not None,
                equals=_literal(found["literal"] or "''"),
                negated=found["sign"] == "!=",
            )
    return None


def _path(value: str) -> list[str] | None:
    return None if value == "value" else [a or b for a, b in _STEPS.findall(value)]


def _filters(text: str) -> list[str]:
    return [word.strip() for word in text.split("|") if word.strip()]


def _literal(literal: str) -> str | int | bool:
    """A literal's value: 1 and '1' are two things."""
    if literal[0] in "'\"":
        return literal[1:-1]
    return literal.lower() == "true" if literal[0] in "tTfF" else int(literal)


def rendered(value: object) -> str | None:
    """A value as Jinja writes it; None for what is no single value."""
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    return value if isinstance(value, str) else None


def _filtered(value: object, filters: list[str]) -> object:
    for name in filters:
        if name == "int":
            value = _whole(value)
        elif name == "string":
            value = rendered(value)
        else:
            text = rendered(value)
            value = text if text is None else text.upper() if name == "upper" else text.lower()
            value = text.strip() if name == "trim" and text is not None else value
    return value


def _whole(value: object) -> int:
    """A whole number as Jinja's filter makes it: cut off, and 0 for what is none."""
    if not isinstance(value, bool | int | float | str) or (isinstance(value, str) and len(value) > 16):
        return 0
    try:
        return int(value)
    except (ValueError, OverflowError):
        try:
            return int(float(value))
        except (ValueError, OverflowError):
            return 0


def evaluate(template: Template, bare: str, parsed: object) -> str | None:
    """The template's text for a payload: its `bare` text and, where it is JSON, what was `parsed` of it.

    "" where the value is not there, which is no answer even where Jinja would choose the second word; None where it is
    no single value.
    """
    value: object = bare
    if template.path is not None:
        value = parsed
        for step in template.path:
            if not isinstance(value, dict) or step not in value:
                return ""
            value = value[step]  # type: ignore[reportUnknownVariableType]
    value = _filtered(value, template.filters)  # type: ignore[reportUnknownArgumentType]
    if template.chosen is None:
        return rendered(value)
    true = value == template.equals if template.compared else bool(value)  # type: ignore[reportUnknownArgumentType]
    return template.chosen[0] if true != template.negated else template.chosen[1]
