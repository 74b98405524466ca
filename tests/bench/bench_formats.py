"""What one message costs to understand, format by format: `python -m pytest -m bench tests/bench/bench_formats.py -s`.

Process time and the quickest of several rounds, because a busy machine can only make it dearer; the median over all
the corpus's messages that mean something, and the dearest of them.  No format may cost more than 25 µs; the two hot
ones, native and zigbee2mqtt, less than 10.
"""

import statistics
import time
from typing import Any

import pytest

from devices.events import Message, Rejected
from devices.formats import Known
from gateway.identify import identify
from tests.devices.formats.routing import FORMATS, RECEIVED_MS, device, known_of, payload_of, take
from tests.devices.formats.test_corpus import CASES

pytestmark = pytest.mark.bench

LIMIT_US = {"native": 10.0, "zigbee2mqtt": 10.0}
USUAL_LIMIT_US = 25.0
ROUNDS = 7
REPEATS = 300


def prepared(case: dict[str, Any]) -> tuple[Message, Known] | None:
    """A case's message with what is known of it; None for one that says nothing or is refused."""
    known = known_of(*(device(row, case["format"]) for row in case["rows"]))
    for earlier in case.get("before", ()):
        take(known, earlier["topic"], payload_of(earlier))
    if not case.get("readings"):
        return None
    found = identify(known, case["topic"])
    assert found is not None
    message = Message(case["topic"], payload_of(case), RECEIVED_MS, case.get("retained", False))
    return message, Known(found.owner.devices, found.rest, found.owner.memory)


def cost_us(name: str, message: Message, known: Known) -> float:
    decode = FORMATS[name].decode
    assert not isinstance(decode(message, known), Rejected)
    rounds: list[float] = []
    for _ in range(ROUNDS):
        begun = time.process_time_ns()
        for _ in range(REPEATS):
            decode(message, known)
        rounds.append((time.process_time_ns() - begun) / REPEATS / 1000)
    return min(rounds)


def test_the_cost_of_a_message():
    print(f"\n{'format':<18}{'messages':>9}{'median µs':>11}{'dearest µs':>12}  dearest")
    dear: list[str] = []
    for name in sorted(FORMATS):
        mine = [(param.values[0], found) for param in CASES if param.values[0]["format"] == name
                if (found := prepared(param.values[0])) is not None]  # fmt: skip
        costs = [(cost_us(name, *found), case["name"]) for case, found in mine]
        median, (most, which) = statistics.median(cost for cost, _ in costs), max(costs)
        print(f"{name:<18}{len(costs):>9}{median:>11.1f}{most:>12.1f}  {which}")
        if median > LIMIT_US.get(name, USUAL_LIMIT_US):
            dear.append(f"{name} {median:.1f} µs")
    assert not dear, f"too dear: {', '.join(dear)}"
