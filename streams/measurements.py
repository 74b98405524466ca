"""What the time series hold: every measurement with its tags and fields, in one table.

`docs/series.md` is written from this table.  Tags are bounded: a grid, a building, a kind.  Never a name, and of a
household only a keyed pseudonym, only while its case lasts.  A point stands in columns, in the order of its row here,
because it is made fifty thousand times a second.
"""

from typing import Literal

import msgspec

Keep = Literal["raw", "incidents"]
Type = Literal["int", "float"]

# One place, one meaning, wherever the tag appears.
TAGS: dict[str, str] = {
    "grid": "the grid, `g017`",
    "building": "the building within the grid, `3`; empty at a checkpoint",
    "checkpoint": "the checkpoint within the grid, `north`; empty at a household",
    "household": "a pseudonym of the household for this one case, 16 hexadecimal digits; empty outside a case",
    "device": "at a checkpoint or bridge the device's id; at a household a pseudonym for this one case, else empty",
    "where": "household, checkpoint or bridge",
    "report": "how the report came about: live, retained, periodic, poweron",
    "site": "where the body was measured; empty when not said",
    "kind": "the kind of incident",
    "decision": "raised, repeated, page, acknowledged, acknowledgement-expired, cleared, closed, matched, rejected",
    "role": "the role paged or speaking; empty for the others",
    "disposition": "how the incident was closed; empty for the others",
    "verdict": "what the checkpoint's screen showed: pass, again, stop, no-reading",
    "stage": "between which two moments: see the latency stages below",
    "channel": "the channel that answered; empty for stages without one",
    "outcome": "accepted, try-later, gave-up",
    "part": "the part of Threshold itself",
}

STAGES: dict[str, str] = {
    "event-to-page": "from the event's own time to the decision to page (step 0)",
    "event-to-receipt": "from the event's own time to the channel's acceptance (step 0, first attempt)",
    "gateway-to-receipt": "from the event's arrival at the gateway to the channel's acceptance (step 0, first attempt)",
    "page-to-receipt": "from the decision to page to the channel's acceptance",
    "page-to-acknowledge": "from the first page to a role to that role's acknowledgement",
    "raise-to-close": "from the raising of an incident to its closing",
}


class Field(msgspec.Struct, frozen=True):
    """A value of a point."""

    name: str
    type: Type
    says: str


class Measurement(msgspec.Struct, frozen=True):
    """One row of the table.  `keep` is the class of retention: `raw` days or `incidents` days of the settings.

    Every point has the first of the `fields`; the others only where they were said.
    """

    name: str
    keep: Keep
    tags: tuple[str, ...]
    fields: tuple[Field, ...]
    says: str


_PLACE = ("grid", "building", "household", "device")

TABLE: tuple[Measurement, ...] = (
    Measurement(
        "door",
        "raw",
        (*_PLACE, "report"),
        (
            Field("open", "int", "1 open, 0 closed"),
            Field("counted", "int", "the device's own count of its openings"),
            Field("late_ms", "int", "how late the message was, beyond the device's usual way"),
        ),
        "what a door contact said, at the time trusted",
    ),
    Measurement(
        "temperature",
        "raw",
        ("grid", "building", "checkpoint", "household", "device", "site"),
        (
            Field("celsius", "float", "the body's temperature"),
            Field("ambient_celsius", "float", "the air's temperature, as the gun says it"),
            Field("implausible", "int", "1: outside what a body can have; no reading"),
        ),
        "a reading of a person, at a checkpoint or at home",
    ),
    Measurement(
        "device",
        "raw",
        ("grid", "building", "checkpoint", "household", "device", "where"),
        (
            Field("heard", "int", "always 1: count it for messages heard"),
            Field("battery_percent", "float", "battery"),
            Field("battery_low", "int", "1: the device itself says low"),
            Field("signal", "float", "dBm when negative, link quality 0-255 else"),
            Field("tamper", "int", "1: opened or removed"),
            Field("online", "int", "0: offline by its last will or its bridge"),
            Field("skew_ms", "int", "how far the device's clock is behind, as learnt"),
        ),
        "how a device itself is",
    ),
    Measurement(
        "verdict",
        "raw",
        ("grid", "checkpoint", "device", "site", "verdict"),
        (
            Field("celsius", "float", "the reading"),
            Field("limit_celsius", "float", "the limit it was held against"),
        ),
        "what a checkpoint's screen showed for a reading",
    ),
    Measurement(
        "incident",
        "incidents",
        ("grid", "building", "kind", "decision", "role", "disposition"),
        (
            Field("count", "int", "how often the incident has happened"),
            Field("step", "int", "the step of the ladder, for a page"),
            Field("late_ms", "int", "how long after the event's own time it was decided"),
        ),
        "a decision of the core",
    ),
    Measurement(
        "latency",
        "incidents",
        ("grid", "kind", "role", "stage", "channel"),
        (Field("ms", "int", "the time it took, in milliseconds"),),
        "how long a stage from the event to the person took",
    ),
    Measurement(
        "receipt",
        "incidents",
        ("grid", "kind", "role", "channel", "outcome"),
        (Field("step", "int", "the step of the ladder"), Field("attempt", "int", "which page to this role it was")),
        "a channel's answer to a page",
    ),
    Measurement(
        "system",
        "incidents",
        ("part",),
        (Field("well", "int", "1 well, 0 unwell"),),
        "a report of a part of Threshold about itself",
    ),
)

BY_NAME: dict[str, Measurement] = {row.name: row for row in TABLE}


class Point(msgspec.Struct, frozen=True, gc=False):
    """One point.  `tags` and `fields` are in the order of the measurement's row; a field not said is None.

    `at_ns` is nanoseconds UTC.  The digits below the millisecond come from what the point was made of, so that two
    things in one millisecond are two points, and the same thing written twice is one.
    """

    measurement: str
    tags: tuple[str, ...]
    fields: tuple[int | float | None, ...]
    at_ns: int


def named(point: Point) -> dict[str, str | int | float]:
    """A point as one flat row, for people: `at_ms`, its tags that are not empty, its fields that were said."""
    row = BY_NAME[point.measurement]
    flat: dict[str, str | int | float] = {"at_ms": point.at_ns // 1_000_000}
    flat.update((name, value) for name, value in zip(row.tags, point.tags, strict=True) if value)
    for field, value in zip(row.fields, point.fields, strict=True):
        if value is not None:
            flat[field.name] = value
    return flat


def as_markdown() -> str:
    """The tables of `docs/series.md`."""
    lines = ["| measurement | kept | tags | fields | what |", "|---|---|---|---|---|"]
    for row in TABLE:
        fields = "<br>".join(f"`{f.name}` ({f.type}) {f.says}" for f in row.fields)
        tags = ", ".join(f"`{tag}`" for tag in row.tags)
        lines.append(f"| `{row.name}` | {row.keep} | {tags} | {fields} | {row.says} |")
    lines += ["", "| tag | what |", "|---|---|"]
    lines += [f"| `{name}` | {says} |" for name, says in TAGS.items()]
    lines += ["", "| stage | from where to where |", "|---|---|"]
    lines += [f"| `{name}` | {says} |" for name, says in STAGES.items()]
    return "\n".join(lines) + "\n"
