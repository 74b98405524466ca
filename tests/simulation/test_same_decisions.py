"""A replay of a seeded compound gives these decisions, each with its time and its reason, whatever was made quicker.

Where a rule or the simulator was changed on purpose the digest changes with it: look at the difference of
`./threshold replay` before and after, and write the new one here.  What people in the compound say is left out.
"""

from hashlib import sha256

import msgspec

from deploy.replay import replay_of
from deploy.trace_line import command_line, message_line
from devices.simulator import Asked, Plan, Simulator
from streams.effects import Decision
from streams.replay import parse_line
from tests.streams.core import POLICY

HOURS = 5
DECISIONS = 1307
DIGEST = "3194aa20c395d6f35200da6ac3339f96a33d11e89b9e176b399ec6f4be094226"


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
    decided = [
        (e.t_ms, e.decision, e.incident or e.subject, e.kind, e.role, e.step, e.page, e.count, e.at_ms, e.reason.word)
        for e in effects
        if isinstance(e, Decision)
    ]
    told = b"\n".join(map(msgspec.json.encode, decided))
    assert len(decided) == DECISIONS
    assert sha256(told).hexdigest() == DIGEST
