"""The runtimes a story is played on.  Each hands back the decisions, printed the way replay prints them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devices.edge.fleet_file import load as load_fleet
from devices.formats import table
from gateway.fleet_records import fleet_records
from gateway.intake import Intake
from streams.commands import BadCommand, parse_command, parse_time_ms
from streams.edge.live_clock import LiveClock
from streams.edge.local import GRACE_MS, LocalRuntime
from streams.edge.policy_file import load as load_policy
from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from streams.effects import Decision, Reason
from streams.frames import decode_outbox, encode_inbox
from streams.replay import Replay, decision_json, parse_line, rejected
from tests.scenarios.story import Story

Player = Callable[[Story], list[dict[str, Any]]]


def on_replay(story: Story) -> list[dict[str, Any]]:
    """The virtual clock."""
    policy = load_policy(story.policy)
    fleet, formats = load_fleet(story.fleet), table()
    intake = Intake(fleet, formats)

    def take(message: Any) -> Any:
        taken = intake.take(message)
        return taken.events, taken.rejects

    replay = Replay(policy, take, lambda at_ms: intake.rows(fleet_records(fleet, formats, at_ms)), intake.command)
    effects: list[Any] = []
    last_ms = 0
    for number, line in enumerate(story.lines, start=1):
        parsed = parse_line(number, json.dumps(line).encode())
        last_ms = parsed.t_ms
        effects += replay.feed(parsed)
    effects += replay.finish(parse_time_ms(story.until) if story.until else last_ms)
    return [decision_json(effect, policy) for effect in effects if isinstance(effect, Decision)]


def inbox_of(story: Story) -> tuple[list[list[Any]], list[Decision]]:
    """The frames that a gateway would have written for a story, and what it would have refused, as decisions."""
    fleet, formats = load_fleet(story.fleet), table()
    intake = Intake(fleet, formats)
    frames: list[list[Any]] = []
    refused: list[Decision] = []
    for number, raw in enumerate(story.lines, start=1):
        line = parse_line(number, json.dumps(raw).encode())
        if number == 1:
            frames.append(list(intake.rows(fleet_records(fleet, formats, line.t_ms))))
        if line.message is not None:
            taken = intake.take(line.message)
            refused += [rejected(reject) for reject in taken.rejects]
            if taken.events:
                frames.append(list(taken.events))
            continue
        assert line.command is not None
        command = parse_command(line.command, line.t_ms, f"line-{number}")
        if isinstance(command, BadCommand):
            reason = Reason(command.reason, {"detail": command.detail})
            refused.append(Decision(line.t_ms, "rejected", "", command.subject, command.kind, reason=reason))
        else:
            frames.append(list(intake.command(command)))
    return frames, refused


def until_ms(story: Story) -> int:
    """When a story ends."""
    return parse_time_ms(story.until or story.lines[-1]["t"])


def merged(decided: list[Decision], refused: list[Decision], policy: Any) -> list[dict[str, Any]]:
    """What was decided and what was refused at the gate, in one order of time."""
    rows = sorted([*decided, *refused], key=lambda d: d.t_ms)
    return [decision_json(row, policy) for row in rows]


def on_local(folder: Path, *, frames_a_life: int = 1_000_000) -> Player:
    """The local runtime over real files.  `frames_a_life`: the process dies and starts again after so many frames."""

    def play(story: Story) -> list[dict[str, Any]]:
        policy = load_policy(story.policy)
        frames, refused = inbox_of(story)
        inbox = SqliteWriter(folder / "inbox.db", "inbox")
        clock = [0]
        try:
            for start in range(0, len(frames), frames_a_life):
                inbox.append([(0, encode_inbox(records)) for records in frames[start : start + frames_a_life]])
                _run(folder, policy, clock)
            clock[0] = until_ms(story) + GRACE_MS
            _run(folder, policy, clock)
        finally:
            inbox.close()
        return merged(decisions_in(folder), refused, policy)

    return play


def decide(story: Story, folder: Path) -> list[Decision]:
    """Let the local runtime work off the `inbox.db` of `folder`, to the story's end; everything it decided."""
    _run(folder, load_policy(story.policy), [until_ms(story) + GRACE_MS])
    return decisions_in(folder)


def _run(folder: Path, policy: Any, clock: list[int]) -> None:
    """One life of the runtime: until it has nothing more to do at the time the clock shows."""
    runtime = LocalRuntime(folder=folder, policy=policy, clock=LiveClock(lambda: clock[0], lambda: 0.0))
    try:
        while runtime.turn() == 0:
            pass
    finally:
        runtime.close()


def decisions_in(folder: Path) -> list[Decision]:
    """Everything decided that stands in `streams.db`."""
    reader = SqliteReader(folder / "streams.db", "outbox")
    decided: list[Decision] = []
    after = 0
    while frames := reader.read(0, after):
        for offset, frame in frames:
            after = offset
            decided += [record for record in decode_outbox(frame) if isinstance(record, Decision)]
    reader.close()
    return decided
