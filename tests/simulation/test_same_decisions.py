"""A replay of a seeded compound gives these decisions, to the byte, whatever was made quicker since.

Where a rule, a word or the simulator was changed on purpose the digest changes with it: look at the difference of
`./threshold replay` before and after, and write the new one here.
"""

from hashlib import sha256

import msgspec

from deploy.replay import replay_of
from deploy.trace_line import command_line, message_line
from devices.simulator import Asked, Plan, Simulator
from streams.effects import Decision
from streams.replay import decision_json, parse_line
from tests.streams.core import POLICY

HOURS = 5
DECISIONS = 1307
DIGEST = "4c6e6598a683ad3a29ffb92bc3a9ed2f52785c8fd4895d81e9254dd1a37fc1c6"


def test_a_replay_of_a_seeded_compound_gives_these_decisions() -> None:
    plan = Plan(households=200, seed=11, pace=12)
    simulator = Simulator(plan)
    replay = replay_of(simulator.compound.fleet(), POLICY)
    end_ms = plan.begins_ms + HOURS * 3_600_000
    effects: list[object] = []
    for number, item in enumerate(simulator.until(end_ms), 1):
        if isinstance(item, Asked):
            line = command_line(item.at_ms, item.command)
        else:
            line = message_line(item.at_ms, item.topic, item.payload, retained=item.retained)
        effects += replay.feed(parse_line(number, line))
    effects += replay.finish(end_ms)
    decided = [decision_json(effect, POLICY) for effect in effects if isinstance(effect, Decision)]
    told = b"\n".join(msgspec.json.encode(row) for row in decided)
    assert len(decided) == DECISIONS
    assert sha256(told).hexdigest() == DIGEST
