"""The runtimes a story is played on.  Each hands back the decisions, printed the way replay prints them."""

import json
from collections.abc import Callable
from typing import Any

from devices.edge.fleet_file import load as load_fleet
from devices.formats import table
from gateway.fleet_records import fleet_records
from gateway.intake import Intake
from streams.commands import parse_time_ms
from streams.edge.policy_file import load as load_policy
from streams.effects import Decision
from streams.replay import Replay, decision_json, parse_line
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
