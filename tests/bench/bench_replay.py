"""How fast a log is read again: frames of `inbox` decoded and decided by the engine, nothing written; and a trace.

    python -m tests.bench.bench_replay [--doors 3000] [--events 60000] [--hours 12]

What a day's log is made of, in four kinds: heartbeats, Zigbee sensors that repeat their state with battery and link
quality, the same with the device's own time and number, and doors that open and close.  `calm` is what most of a log
is: one message in a hundred moves a door.  Events a second of one core, over the quicker tenth of slices of a thousand
messages, because a busy machine can only make it slower.  The trace is a simulated compound's, with its intake and all
formats of the simulator.  Nothing here passes or fails.
"""

import argparse
import gc
import random
import time
from collections.abc import Callable

from deploy.replay import replay_of
from deploy.trace_line import command_line, message_line
from devices.events import Event
from devices.simulator import Asked, Plan, Simulator
from streams.commands import Command
from streams.edge.policy_file import load
from streams.engine import Engine
from streams.frames import DeviceRow, InboxRecord, decode_inbox, encode_inbox
from streams.replay import parse_line

FRAME_EVENTS = 200
SLICE_FRAMES = 5
T0_MS = 1_581_816_600_000


def household(number: int) -> str:
    return f"g{number // 500:03d}/{number % 500 // 50 + 1}/{number % 50 + 101}"


def said(number: int, door: int, kind: str, at_ms: int, **facets: object) -> Event:
    """The `number`-th message, of the sensor of `door`."""
    place = household(door)
    return Event(f"{number:016x}", f"door-{door}", place[:4], "household", place, at_ms, kind, **facets)  # type: ignore[arg-type]


def heartbeat(number: int, door: int, at_ms: int) -> Event:
    return said(number, door, "heartbeat", at_ms)


def repeated(number: int, door: int, at_ms: int) -> Event:
    return said(number, door, "door", at_ms, open=False, battery_percent=97.0, signal=120.0)


def numbered(number: int, door: int, at_ms: int) -> Event:
    return said(
        number, door, "door", at_ms, has_cause=True, device_ms=at_ms - 40 - number % 7, open=False, opens_counted=5,
        battery_percent=97.0,
    )  # fmt: skip


class Moving:
    """Doors that open and close in turn."""

    def __init__(self) -> None:
        self.is_open: dict[int, bool] = {}

    def __call__(self, number: int, door: int, at_ms: int) -> Event:
        self.is_open[door] = not self.is_open.get(door, False)
        return said(number, door, "door", at_ms, open=self.is_open[door])


def calm(number: int, door: int, at_ms: int) -> Event:
    if number % 100 == 0:
        return said(number, door, "door", at_ms, open=number % 200 == 0)
    return (heartbeat if number % 3 == 0 else repeated)(number, door, at_ms)


def beginning(doors: int) -> list[InboxRecord]:
    """The fleet, a case in each household, and a first word of each door."""
    records: list[InboxRecord] = []
    for door in range(doors):
        place = household(door)
        records.append(DeviceRow(T0_MS, place[:4], f"door-{door}", "household", place, 3600.0))
        until_ms = T0_MS + 14 * 86_400_000
        records.append(
            Command(
                f"case-{door}", T0_MS, "open-case", place[:4], by="fleet", household=place, from_ms=T0_MS,
                until_ms=until_ms,
            )
        )  # fmt: skip
        records.append(repeated(door, door, T0_MS))
    return records


def frames(doors: int, events: int, make: Callable[[int, int, int], Event]) -> list[bytes]:
    """A log of so many messages, ten a second, of doors in no order."""
    chosen = random.Random(7)
    records = [make(doors + n, chosen.randrange(doors), T0_MS + 1000 + n * 100) for n in range(events)]
    return [encode_inbox(list(records[at : at + FRAME_EVENTS])) for at in range(0, events, FRAME_EVENTS)]


def microseconds(doors: int, log: list[bytes]) -> tuple[float, float, int]:
    """CPU an event, of all and of the decoding alone, in the quicker tenth of the slices; how many decisions came."""
    engine = Engine(load())
    for record in beginning(doors):
        engine.apply(record)
    engine.take_changes()
    gc.collect()
    gc.freeze()
    wholes: list[float] = []
    decodings: list[float] = []
    effects = 0
    for at in range(0, len(log), SLICE_FRAMES):
        begun = time.process_time()
        records = [record for frame in log[at : at + SLICE_FRAMES] for record in decode_inbox(frame)]
        decoded = time.process_time()
        for record in records:
            effects += len(engine.apply(record))
        engine.take_changes()
        wholes.append((time.process_time() - begun) / len(records))
        decodings.append((decoded - begun) / len(records))
    gc.unfreeze()
    return 1e6 * sorted(wholes)[len(wholes) // 10], 1e6 * sorted(decodings)[len(wholes) // 10], effects


def of_a_trace(households: int, hours: float) -> tuple[float, float, int]:
    """CPU a line of a simulated compound's trace, whole and of the parsing alone, in the quicker tenth of slices of a
    thousand lines; how many lines."""
    plan = Plan(households=households, seed=7)
    simulator = Simulator(plan)
    lines: list[bytes] = []
    for item in simulator.until(plan.begins_ms + round(hours * 3_600_000)):
        if isinstance(item, Asked):
            lines.append(command_line(item.at_ms, item.command))
        else:
            lines.append(message_line(item.at_ms, item.topic, item.payload, retained=item.retained))
    replay = replay_of(simulator.compound.fleet(), load())
    gc.collect()
    gc.freeze()
    wholes: list[float] = []
    parsings: list[float] = []
    for at in range(0, len(lines) - 999, 1000):
        begun = time.process_time()
        parsed = [parse_line(at + n, line) for n, line in enumerate(lines[at : at + 1000], 1)]
        parsings.append((time.process_time() - begun) / 1000)
        for line in parsed:
            replay.feed(line)
        replay.engine.take_changes()
        wholes.append((time.process_time() - begun) / 1000)
    gc.unfreeze()
    return 1e6 * sorted(wholes)[len(wholes) // 10], 1e6 * sorted(parsings)[len(wholes) // 10], len(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--doors", type=int, default=3000)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--hours", type=float, default=12, help="how long the trace is; 0 leaves it out")
    given = parser.parse_args()
    gc.set_threshold(50_000, 20, 20)
    kinds: dict[str, Callable[[], Callable[[int, int, int], Event]]] = {
        "heartbeats": lambda: heartbeat,
        "repeated states": lambda: repeated,
        "with own time and number": lambda: numbered,
        "calm": lambda: calm,
        "doors that move": Moving,
    }
    for name, make in kinds.items():
        log = frames(given.doors, given.events, make())
        best = microseconds(given.doors, log)
        print(
            f"{name:<26}{1e6 / best[0]:>9,.0f} events/s a core   {best[0]:5.1f} µs an event, "
            f"{best[1]:.1f} of it decoding, {best[2]:,} decisions",
            flush=True,
        )
    if given.hours:
        whole, parsing, count = of_a_trace(1000, given.hours)
        print(
            f"{'a trace':<26}{1e6 / whole:>9,.0f} lines/s a core    {whole:5.1f} µs a line, "
            f"{parsing:.1f} of it parsing, of {count:,}"
        )


if __name__ == "__main__":
    main()
