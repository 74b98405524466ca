"""What an event costs in the core and in the local runtime, and how long a page waits there.

    python -m tests.bench.bench_streams [--households 3000] [--events 20000] [--rate 1000] [--seconds 5]

1. The engine alone: microseconds of CPU an event, for openings and for heartbeats, and for decoding their frames.
2. Engine and SQLite, catching up: events a second and CPU an event with everything durable.
3. At a steady rate, frames of 10 ms from another process: from the gateway's time of an event to its page being durable
   and rung for, p50 and p99.  Beside it the same commits by hand (a frame read, one row written, fsynced), because a
   machine's disk is most of it.
Nothing here passes or fails.
"""

import argparse
import multiprocessing
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from devices.events import Event
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.live_clock import LiveClock
from streams.edge.local import LocalRuntime
from streams.edge.sqlite_log import SqliteReader, SqliteWriter, cursor_at
from streams.effects import Decision
from streams.engine import Engine
from streams.frames import InboxRecord, decode_inbox, decode_outbox, encode_inbox
from tests.streams.edge.boxes import policy, standing_clock
from tests.streams.edge.scripts import T0_MS, door, fleet, household, said

FRAME_EVENTS = 20


def openings(households: int, count: int, from_ms: int, gap_ms: float) -> list[InboxRecord]:
    """Doors of random households, opening and closing."""
    random = Random(1)
    is_open = dict.fromkeys(range(households), False)
    records: list[InboxRecord] = []
    for number in range(count):
        who = random.randrange(households)
        is_open[who] = not is_open[who]
        at_ms = from_ms + round(number * gap_ms)
        records.append(door(who, at_ms, is_open[who], number, device_ms=at_ms - 5, battery_percent=80.0, signal=-60.0))
    return records


def heartbeats(households: int, count: int, from_ms: int, gap_ms: float) -> list[InboxRecord]:
    """What a calm compound sends."""
    random = Random(2)
    records: list[InboxRecord] = []
    for number in range(count):
        who = random.randrange(households)
        at_ms = from_ms + round(number * gap_ms)
        records.append(said(f"door-{who}", "household", household(who), at_ms, "heartbeat", number))
    return records


def framed(records: Sequence[InboxRecord], size: int = FRAME_EVENTS) -> list[bytes]:
    return [encode_inbox(list(records[start : start + size])) for start in range(0, len(records), size)]


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the wall clock and of CPU."""
    wall, cpu = time.perf_counter(), cpu_s()
    work()
    return time.perf_counter() - wall, cpu_s() - cpu


def engine_alone(households: int, events: int) -> None:
    for name, make in (("openings", openings), ("heartbeats", heartbeats)):
        engine = Engine(policy())
        for record in fleet(households):
            engine.apply(record)
        records = make(households, events, T0_MS + 1000, 10)

        def run(engine: Engine = engine, records: Sequence[InboxRecord] = records) -> None:
            for record in records:
                engine.apply(record)

        _, cpu = timed(run)
        print(f"engine alone, {name:<11} {cpu / events * 1e6:6.1f} µs CPU/event")
    frames = framed(openings(households, events, T0_MS, 10))
    _, cpu = timed(lambda: [decode_inbox(frame) for frame in frames])
    print(f"decoding their frames    {cpu / events * 1e6:6.1f} µs CPU/event")


def with_sqlite(folder: Path, households: int, events: int) -> None:
    inbox = SqliteWriter(folder / "inbox.db", "inbox")
    inbox.append([(0, encode_inbox(fleet(households)))])
    runtime = LocalRuntime(folder=folder, policy=policy(), clock=standing_clock())
    while runtime.turn() == 0:
        pass
    for name, make in (("openings", openings), ("heartbeats", heartbeats)):
        for frame in framed(make(households, events, T0_MS + 1000, 10)):
            inbox.append([(0, frame)])

        def run() -> None:
            while runtime.turn() == 0:
                pass

        wall, cpu = timed(run)
        print(f"engine + SQLite, {name:<11} {events / wall:9,.0f} events/s  {cpu / events * 1e6:6.1f} µs CPU/event")
    runtime.close()
    inbox.close()


def feed(folder: Path, rate: int, seconds: float, households: int) -> None:
    """The gateway's part, in a process of its own: what arrived in 10 ms is a frame."""
    inbox = SqliteWriter(folder / "inbox.db", "inbox")
    bell = Bell(folder / "bell", "inbox")
    is_open = dict.fromkeys(range(households), False)
    random = Random(3)
    sent, began_s = 0, time.monotonic()
    while (passed_s := time.monotonic() - began_s) < seconds:
        frame: list[InboxRecord] = []
        now_ms = time.time_ns() // 1_000_000
        while sent < passed_s * rate:
            who = random.randrange(households)
            is_open[who] = not is_open[who]
            frame.append(door(who, now_ms, is_open[who], sent))
            sent += 1
        if frame:
            inbox.append([(0, encode_inbox(frame))])
            bell.ring()
            inbox.tend()
        time.sleep(max(0.0, 0.01 - (time.monotonic() - began_s - passed_s)))
    inbox.close()
    bell.close()


def by_hand(folder: Path) -> None:
    """What the streams process cannot do without: read a frame, write a row, fsync, ring."""
    inbox = SqliteReader(folder / "inbox.db", "inbox")
    out = SqliteWriter(folder / "hand.db", "outbox", tables=["CREATE TABLE cursors (log, partition, offset)"])
    doorbell, bell = Doorbell(folder / "bell", "hand", ("inbox",)), Bell(folder / "bell", "outbox")
    place = inbox.end(0)
    while not (folder / "stop").exists():
        doorbell.wait(0.2)
        frames = inbox.read(0, place)
        if frames:
            out.append([(0, frame) for _, frame in frames], [cursor_at("inbox", 0, frames[-1][0])])
            place = frames[-1][0]
            bell.ring()
            out.tend()


def run_runtime(folder: Path) -> None:
    runtime = LocalRuntime(folder=folder, policy=policy(), clock=LiveClock())
    threading.Thread(target=lambda: (wait_for(folder / "stop"), runtime.stop()), daemon=True).start()
    runtime.run()
    print(f"    streams: {cpu_s() / max(1, runtime.events()) * 1e6:.0f} µs CPU/event, start included")


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.05)


def waits(
    folder: Path, file: str, event_ms: Callable[[bytes], list[int]], feeder: multiprocessing.Process
) -> list[float]:
    """For each thing told of in `file`: milliseconds from its event to now, as its reader is rung."""
    outbox = SqliteReader(folder / file, "outbox")
    doorbell = Doorbell(folder / "bell", "bench", ("outbox",))
    time.sleep(1.2)  # a bell looks for new readers once a second
    place = outbox.end(0)
    feeder.start()
    found: list[float] = []
    quiet = 0
    while feeder.is_alive() or quiet < 3:
        quiet = 0 if doorbell.wait(0.3) else quiet + 1
        for offset, frame in outbox.read(0, place, 1000):
            now_ms = time.time_ns() / 1e6
            found += [now_ms - at_ms for at_ms in event_ms(frame)]
            place = offset
    feeder.join()
    doorbell.close()
    outbox.close()
    return sorted(found)


def pages_of(frame: bytes) -> list[int]:
    return [
        effect.cause.received_ms
        for effect in decode_outbox(frame)
        if isinstance(effect, Decision) and effect.decision == "page" and effect.step == 0 and effect.cause.received_ms
    ]


def events_of(frame: bytes) -> list[int]:
    return [record.received_ms for record in decode_inbox(frame) if isinstance(record, Event)]


def at_a_rate(folder: Path, households: int, rate: int, seconds: float) -> None:
    ways = (("by hand", by_hand, "hand.db", events_of), ("local runtime", run_runtime, "streams.db", pages_of))
    for name, process, file, told in ways:
        here = folder / file.removesuffix(".db")
        here.mkdir()
        inbox = SqliteWriter(here / "inbox.db", "inbox")
        inbox.append([(0, encode_inbox(fleet(households, time.time_ns() // 1_000_000 - 1000)))])
        inbox.close()
        reader = multiprocessing.Process(target=process, args=(here,))
        reader.start()
        wait_for(here / file)
        time.sleep(3)
        feeder = multiprocessing.Process(target=feed, args=(here, rate, seconds, households))
        found = waits(here, file, told, feeder)
        (here / "stop").touch()
        reader.join()
        if found:
            p50, p99 = found[len(found) // 2], found[len(found) * 99 // 100]
            print(f"{name:<14} at {rate:,}/s: p50 {p50:5.1f} ms  p99 {p99:5.1f} ms  ({len(found):,} seen)")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--households", type=int, default=3000)
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--rate", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine_alone(given.households, given.events)
        (folder / "catching-up").mkdir()
        with_sqlite(folder / "catching-up", given.households, given.events)
        at_a_rate(folder, given.households, given.rate, given.seconds)


if __name__ == "__main__":
    main()
