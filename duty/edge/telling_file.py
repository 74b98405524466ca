"""`telling.toml`, how people are told: a file beside the settings, or the defaults.  Complains with line and remedy."""

from pathlib import Path
from typing import Any

import msgspec

from devices.edge.complaints import Collector, did_you_mean
from devices.edge.toml_lines import TomlFile, read_toml
from duty.telling import Telling

FILE = "telling.toml"
DEFAULTS = Telling()
WHOLE = frozenset({"most_per_hour", "second_person_at"})


def load(settings_file: Path | str) -> Telling:
    """The rows beside the settings file; the defaults where there is no such file.  Raises Complaint."""
    path = Path(settings_file).with_name(FILE)
    if not path.exists():
        return DEFAULTS
    return from_toml(read_toml(path))


def from_toml(file: TomlFile) -> Telling:
    """The rows of a file, defaults in the place of those it does not name.  Raises Complaint."""
    into = Collector(file.file)
    rows: dict[str, Any] = {}
    names = [field.name for field in msgspec.structs.fields(Telling)]
    for name, value in file.data.items():
        if name not in names:
            into.add(file.line(name), f"there is no row {name!r}", did_you_mean(name, names))
            continue
        what = _wrong(name, value)
        if what:
            into.add(file.line(name), f"{name} {what}", f"as {name} = {_text(getattr(DEFAULTS, name))}")
        else:
            rows[name] = tuple(value) if isinstance(value, list) else value
    into.done()
    return Telling(**rows)


def _wrong(name: str, value: object) -> str:
    """What is wrong with a value, "" when nothing is."""
    default = getattr(DEFAULTS, name)
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "must be true or false"
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(_is_number(each) and each > 0 for each in value):
            return "must be a list of seconds, each over 0"
        return "must name at least one pause" if name == "round_pauses_s" and not value else ""
    if not _is_number(value):
        return "must be a number"
    assert isinstance(value, int | float)
    if name in WHOLE and not isinstance(value, int):
        return "must be a whole number"
    least = 0 if name == "contacts_keep_days" else 1
    # Longer than a month is a mistake of units; a person who is told nothing for so long is told nothing.
    most = 31 * 24 * 3600 if name.endswith("_s") else 3650
    return "" if least <= value <= most else f"must lie between {least} and {most}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # NaN is no number


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
