"""Stories: timelines that a duty officer would recognise, with everything that must be decided, and nothing else.

    fleet: default                       a file of `fleets/`
    until 10:30                          time passes to then (optional; else to the last line)

    09:00    door 3/1203 closed          what happens …
    09:30    door 3/1203 open
               raised undeclared-opening 3/1203
               page worker               … and, indented, what is decided at that time
    09:35      page police               a time of its own where only time passed

Times are of 2020-02-16 at +08:00; `+1 07:00` is the next day.  Places are of grid g017 unless they name another.
A decision names its kind and subject where they differ from those of the decision before it.  A story fails on any
decision missing, at another second, in another order, or not expected.
"""

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
DAY = datetime(2020, 2, 16, tzinfo=timezone(timedelta(hours=8)))
CHOICES = (
    "raised", "repeated", "page", "acknowledged", "acknowledgement-expired", "cleared", "closed", "matched", "rejected",
)  # fmt: skip
KINDS_OF_ROLE = ("page", "acknowledged", "acknowledgement-expired")


class Expected(NamedTuple):
    """One decision a story expects, with the line of the story that says so."""

    number: int
    t: str
    words: str


class Story(NamedTuple):
    """A story: the lines of its trace, what it expects, the fleet it plays with."""

    name: str
    fleet: Path
    lines: list[dict[str, Any]]
    expected: list[Expected]
    until: str
    policy: Path | None = None


def iso(moment: datetime) -> str:
    """As a trace and a decision say it."""
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


_TIME = re.compile(r"(?:\+(\d+) )?(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{3}))?)?$")


def moment_of(text: str) -> datetime:
    """`09:30`, `09:30:05.250`, `+1 07:00`."""
    found = _TIME.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time of a story")
    days, hour, minute, second, milli = (int(g or 0) for g in found.groups())
    return DAY + timedelta(days=days, hours=hour, minutes=minute, seconds=second, milliseconds=milli)


def place(word: str) -> str:
    """`3/1203` is `g017/3/1203`; a grid is said in full."""
    return word if re.match(r"(g\d|bridge/|system/)", word) else f"g017/{word}"


_OPTIONS = {"at", "n", "seq", "battery"}


def _door(args: list[str]) -> dict[str, Any]:
    where, state, *rest = args
    payload: dict[str, Any] = {"state": {"opens": "open", "closes": "closed"}.get(state, state)}
    retain = "retained" in rest
    rest = [r for r in rest if r != "retained"]
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        payload[name] = iso(moment_of(value)) if name == "at" else int(value)
    device = "door-" + where.replace("/", "-")
    line: dict[str, Any] = {"topic": f"threshold/g017/{device}/door", "payload": payload}
    return line | {"retain": True} if retain else line


def _gun(args: list[str]) -> dict[str, Any]:
    where, celsius, *rest = args
    payload: dict[str, Any] = {"celsius": float(celsius)}
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        payload[name] = float(value) if name == "ambient" else iso(moment_of(value)) if name == "at" else value
    return {"topic": f"threshold/g017/gun-{where}/temperature", "payload": payload}


def _command(args: list[str], text: str) -> dict[str, Any]:
    """`worker acknowledges KIND PLACE`, `resident declares PLACE until 10:00 rubbish`, …"""
    role, verb, *rest = args
    by = {"by": "resident"} if role == "resident" else {"by": f"{role}-1", "role": role}
    match verb:
        case "acknowledges":
            return {"command": "acknowledge", "kind": rest[0], "subject": place(rest[1]), **by}
        case "closes":
            return {"command": "close", "kind": rest[0], "subject": place(rest[1]), "disposition": rest[2],
                    "note": "", **by}  # fmt: skip
        case "snoozes":
            return {"command": "snooze", "kind": rest[0], "subject": place(rest[1]), "until": _until(text),
                    "reason": "busy", **by}  # fmt: skip
        case "mutes":
            return {"command": "mute", "household": place(rest[0]), "until": _until(text), "reason": "repair", **by}
        case "declares":
            return {"command": "declare", "household": place(rest[0]), "until": _until(text),
                    "reason": text.split()[-1], **by}  # fmt: skip
        case "visits" | "calls":
            return {"command": verb[:-1], "household": place(rest[0]), **by}
        case "retests":
            return {"command": "retest", "subject": place(rest[0]), **by}
        case "registers":
            return {"command": "register", "checkpoint": place(rest[0]), "pass": rest[1], "household": place(rest[2]),
                    **by}  # fmt: skip
        case _:
            raise ValueError(f"a story knows no {verb!r}")


def _until(text: str) -> str:
    found = re.search(r"until ((?:\+\d+ )?[\d:.]+)", text)
    assert found is not None, f"{text!r} needs an until"
    return iso(moment_of(found[1]))


def _action(text: str) -> dict[str, Any]:
    verb, *args = text.split()
    if verb == "door":
        return _door(args)
    if verb == "gun":
        return _gun(args)
    if verb == "publish":
        retain = text.endswith(" retained")
        topic, payload = text.removeprefix("publish ").removesuffix(" retained").split(" ", 1)
        value = json.loads(payload) if payload[:1] in '{["0123456789' else payload
        line: dict[str, Any] = {"topic": topic, "payload": value}
        return line | {"retain": True} if retain else line
    if verb == "command":
        row = json.loads(text.removeprefix("command "))
        for key in ("until", "from", "due"):
            if key in row:
                row[key] = iso(moment_of(row[key]))
        return row
    if verb == "tick":
        return {"command": "tick"}
    return _command([verb, *args], text)


def read(path: Path) -> Story:
    """A story from its file."""
    fleet, until, policy = "default", "", None
    lines: list[dict[str, Any]] = []
    expected: list[Expected] = []
    now: datetime | None = None
    for number, raw in enumerate(path.read_text("utf-8").splitlines(), start=1):
        text = raw.split("  #")[0].rstrip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("fleet: "):
            fleet = text.removeprefix("fleet: ")
        elif text.startswith("policy: "):
            policy = HERE / "fleets" / f"{text.removeprefix('policy: ')}.toml"
        elif text.startswith("until "):
            until = iso(moment_of(text.removeprefix("until ")))
        else:
            found = re.match(r"((?:\+\d+ )?\d\d:\d\d\S*)?(\s+)(.*)$", text)
            assert found is not None, f"{path.name}:{number}: {text!r}"
            if found[1]:
                now = moment_of(found[1])
            assert now is not None, f"{path.name}:{number}: no time yet"
            body = found[3]
            if body.split()[0] in CHOICES:
                expected.append(Expected(number, iso(now), body))
            else:
                lines.append({"t": iso(now), **_action(body)})
    return Story(path.stem, HERE / "fleets" / f"{fleet}.toml", lines, expected, until, policy)


def all_stories() -> list[Story]:
    """Every story, by name."""
    return [read(path) for path in sorted((HERE / "stories").glob("*.story"))]


def told(decisions: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Decisions as a story writes them: (t, words), every word said."""
    rows: list[tuple[str, str]] = []
    for d in decisions:
        words = [d["decision"]]
        if d["decision"] == "rejected":
            words.append(d["reason"])
        if d["decision"] in KINDS_OF_ROLE:
            words.append(d["role"])
        if d["decision"] == "page":
            words.append(f"step {d['step']}")
        if d["decision"] == "closed" and d.get("disposition"):
            words.append(d["disposition"])
        if d["decision"] != "rejected":
            words += [d["kind"], d["subject"]]
        rows.append((d["t"], " ".join(words)))
    return rows


def wanted(expected: list[Expected]) -> list[tuple[str, str]]:
    """What a story expects, with the words it left out filled in from the decision before."""
    kind = subject = ""
    rows: list[tuple[str, str]] = []
    for e in expected:
        choice, *words = e.words.split()
        front = [choice]
        if choice == "rejected":
            rows.append((e.t, f"rejected {words[0]}"))
            continue
        if choice in KINDS_OF_ROLE:
            front.append(words.pop(0))
        if choice == "page":
            step = "0"
            if words[:1] == ["step"]:
                step, words = words[1], words[2:]
            front.append(f"step {step}")
        if choice == "closed" and words and words[0] in _DISPOSITIONS:
            front.append(words.pop(0))
        if words:
            kind = words[0]
        if len(words) > 1:
            subject = place(words[1])
        rows.append((e.t, " ".join([*front, kind, subject])))
    return rows


_DISPOSITIONS = ("true-alarm", "false-alarm", "declared-late", "device-fault", "transferred", "test")


def check(story: Story, decisions: list[dict[str, Any]]) -> None:
    """Fails with both timelines side by side where they differ."""
    got, want = told(decisions), wanted(story.expected)
    if got == want:
        return
    lines = [f"{story.name}: expected | decided"]
    for n in range(max(len(got), len(want))):
        w = " ".join(want[n]) if n < len(want) else "-"
        g = " ".join(got[n]) if n < len(got) else "-"
        mark = "  " if w == g else "! "
        at = f"  (line {story.expected[n].number})" if n < len(want) and w != g else ""
        lines.append(f"{mark}{w}\n{'  ' if w == g else '!    '}{g if w != g else ''}{at}".rstrip())
    raise AssertionError("\n".join(lines))
