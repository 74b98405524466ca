"""What a worker of the cluster costs, and what it remembers: on a Kafka that this bench starts.

    python -m tests.bench.bench_cluster cores [--events 80000]
    python -m tests.bench.bench_cluster doors [--doors 200000] [--grids 2500] [--partitions 16] [--store memory]
                                              [--standbys 1]

`cores`: events a second of one worker's core (its CPU alone; broker and load are not in it), for 1, 2 and 4 partitions
and frames of 1, 20 and 200 events.  One event in ten moves a door of an isolated household, the others say nothing new.

`doors`: so many watched doors in so many grids on two workers.  Each door is in the fleet, has a case, was heard
twice; one in fifty stands open with an incident.  Bytes of state a door by the changelog, memory of the workers a door,
how long it takes from two killed workers until both have everything again, and from one killed worker until the other
has everything (the broker's session time-out is in that).

Nothing here passes or fails.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from devices.events import Event
from devices.ids import event_id, partition_of
from streams.commands import Command
from streams.edge.cluster_part import MARK
from streams.edge.kafka import quiet
from streams.edge.topics import prepare
from streams.frames import DeviceRow, InboxRecord, encode_inbox
from tests.live.cluster_site import ClusterSite, WorkerProcess, stamped, standby_behind
from tests.servers import Kafka, free_port
from tests.streams.edge.scripts import DAY_MS, T0_MS

_TICKS = os.sysconf("SC_CLK_TCK")
_MB = 1024 * 1024


def place_of(door: int, grids: int) -> str:
    grid = door % grids
    number = door // grids
    return f"g{grid:04d}/{number // 20 + 1}/{number + 101}"


def said(door: int, place: str, at_ms: int, kind: str, count: int, **facets: object) -> Event:
    device = f"door-{door:06d}"
    cause = event_id(device, f"seq {count}", b"")
    grid = place.partition("/")[0]
    return Event(cause, device, grid, "household", place, at_ms, kind, has_cause=True, **facets)  # pyright: ignore[reportArgumentType]


def told(door: int, place: str) -> Iterator[InboxRecord]:
    """The door is in the fleet, its household in isolation."""
    grid = place.partition("/")[0]
    yield DeviceRow(T0_MS, grid, f"door-{door:06d}", "household", place, report_every_s=3600.0)
    until_ms = T0_MS + 14 * DAY_MS
    about = {"household": place, "from_ms": T0_MS, "until_ms": until_ms, "by": "desk", "visits": True}
    yield Command(f"case-{door}", T0_MS, "open-case", grid, **about)  # pyright: ignore[reportArgumentType]


def cpu_s(worker: WorkerProcess) -> float:
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_bytes(worker: WorkerProcess) -> int:
    for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def has(worker: WorkerProcess, partitions: int) -> int:
    """How many partitions it runs, by its newest word."""
    lines = [line for line in worker.said().splitlines() if line.startswith("streams: partitions")]
    if not lines or "none yet" in lines[-1]:
        return 0
    return min(partitions, len(lines[-1].split()[2].strip(",").split(",")))


def put(site: ClusterSite, frames: Sequence[tuple[int, bytes]], at_once: int = 200) -> None:
    for start in range(0, len(frames), at_once):
        site.put_raw(*frames[start : start + at_once])


def settle(site: ClusterSite, timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while site.committed() != site.ends():
        if time.monotonic() > end_s:
            raise SystemExit("the workers did not come to the end")
        time.sleep(0.3)


# ── cores ──


def cores(kafka: Kafka, folder: Path, events: int) -> None:
    print("events/s of one worker's core, by partitions (down) and events a frame (across)")
    sizes = (1, 20, 200)
    print("partitions" + "".join(f"{size:>12}" for size in sizes))
    for partitions in (1, 2, 4):
        cells: list[str] = []
        for size in sizes:
            count = events * {1: 1, 20: 5, 200: 15}[size] // 10  # of each about the same time
            cells.append(f"{one(kafka, folder / f'{partitions}-{size}', partitions, size, count):>12,.0f}")
        print(f"{partitions:>10}" + "".join(cells), flush=True)


def one(kafka: Kafka, folder: Path, partitions: int, size: int, events: int) -> float:
    folder.mkdir()
    site = ClusterSite(folder, kafka.url, partitions=partitions, standby_replicas=0)
    doors, grids = 2_000, 64
    try:
        prepare(site.settings)
        by_partition: dict[int, list[InboxRecord]] = {p: [] for p in range(partitions)}
        for door in range(doors):
            place = place_of(door, grids)
            by_partition[partition_of(place.partition("/")[0], partitions)] += told(door, place)
        put(site, framed(by_partition, 500))
        worker = site.worker("a", standing=True)
        worker.start()
        settle(site, 120)
        random, is_open = Random(1), dict.fromkeys(range(doors), False)
        by_partition = {p: [] for p in range(partitions)}
        for number in range(events):
            door = random.randrange(doors)
            place, at_ms = place_of(door, grids), T0_MS + 60_000 + number * 10
            if number % 10:
                event = said(door, place, at_ms, "heartbeat", number)
            else:
                is_open[door] = not is_open[door]
                event = said(door, place, at_ms, "door", number, open=is_open[door])
            by_partition[partition_of(event.grid, partitions)].append(event)
        before_s = cpu_s(worker)
        put(site, framed(by_partition, size))
        settle(site, 300)
        return events / (cpu_s(worker) - before_s)
    finally:
        site.close()


def framed(by_partition: dict[int, list[InboxRecord]], size: int) -> list[tuple[int, bytes]]:
    frames = {
        partition: [encode_inbox(rows[start : start + size]) for start in range(0, len(rows), size)]
        for partition, rows in by_partition.items()
    }
    longest = max(map(len, frames.values()))
    return [(p, some[n]) for n in range(longest) for p, some in frames.items() if n < len(some)]


# ── doors ──


def behind(address: str) -> float:
    """Records that a worker has not read of what it stands by for; -1 before it stands by for anything."""
    try:
        found = standby_behind(address)
    except OSError:
        return -1
    return sum(found) if found else -1


def doors(kafka: Kafka, folder: Path, count: int, grids: int, partitions: int, store: str, standbys: int) -> None:
    site = ClusterSite(folder, kafka.url, partitions=partitions, standby_replicas=standbys, store=store)
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    workers = [site.worker(name, standing=True, metrics=where) for name, where in zip("ab", addresses, strict=True)]
    try:
        prepare(site.settings)
        for worker in workers:
            worker.start()
        while sum(has(worker, partitions) for worker in workers) < partitions:
            time.sleep(0.2)
        empty = sum(map(memory_bytes, workers))
        began_s = time.monotonic()
        # A worker first hears of all households of some grids, then they speak.
        at_once = max(1, 20_000 * grids // count)
        for first in range(0, grids, at_once):
            some = [door for door in range(count) if first <= door % grids < first + at_once]
            by_partition: dict[int, list[InboxRecord]] = {p: [] for p in range(partitions)}
            for door in some:
                place = place_of(door, grids)
                by_partition[partition_of(place.partition("/")[0], partitions)] += told(door, place)
            for round_ in (1, 2):
                for door in some:
                    place, at_ms = place_of(door, grids), T0_MS + round_ * 60_000
                    is_open = round_ == 2 and door % 50 == 0
                    facets = {"open": is_open, "battery_percent": 87.0, "signal": -61.0}
                    event = said(door, place, at_ms, "door", round_, **facets)
                    by_partition[partition_of(event.grid, partitions)].append(event)
            put(site, framed(by_partition, 500))
        settle(site, 1500)
        took_s = time.monotonic() - began_s
        full = sum(map(memory_bytes, workers))
        kept = bytes_kept(site)
        records = sum(n for n, _ in kept)
        size = sum(size for _, size in kept)
        print(f"{count:,} doors in {grids:,} grids, {partitions} partitions, 2 workers, {store}")
        print(
            f"taken in: {count * 4 / took_s:,.0f} records/s, {took_s:.0f} s (load, broker and workers on this machine)"
        )
        print(f"state: {records:,} records, {size / count:,.0f} bytes a door, {size / _MB:,.0f} MB")
        print(f"memory: {(full - empty) / count:,.0f} bytes a door, {full / _MB:,.0f} MB both workers", flush=True)
        for worker in workers:
            worker.kill()
        again_s = time.monotonic()
        for worker in workers:
            worker.begin()
        while sum(has(worker, partitions) for worker in workers) < partitions:
            if time.monotonic() - again_s > 300:
                raise SystemExit("the workers did not recover")
            time.sleep(0.1)
        print(f"both killed, started again: everything is there after {time.monotonic() - again_s:.1f} s", flush=True)
        if standbys:
            again_s = time.monotonic()
            while any(behind(address) != 0 for address in addresses):
                time.sleep(0.2)
            print(f"each stands by for all of the other's after {time.monotonic() - again_s:.1f} s more")
            full = sum(map(memory_bytes, workers))
            print(f"memory: {(full - empty) / count:,.0f} bytes a door, {full / _MB:,.0f} MB both workers")
        workers[0].kill()
        again_s = time.monotonic()
        while has(workers[1], partitions) < partitions:
            time.sleep(0.05)
        took_s = time.monotonic() - again_s
        read = workers[1].said().splitlines()[-1].rpartition("records, ")[2]
        print(f"one killed: the other has everything after {took_s:.1f} s ({read})", flush=True)
    finally:
        site.close()


def bytes_kept(site: ClusterSite) -> list[tuple[int, int]]:
    """Of each partition: records, and bytes of keys and values."""
    found: list[tuple[int, int]] = []
    for partition in range(site.partitions):
        kept: dict[bytes, int] = {}
        for record in stamped(site.settings, site.names.state, partition):
            if record.value is None:
                kept.pop(record.key, None)
            elif record.key != MARK:
                kept[record.key] = len(record.key) + len(record.value)
        found.append((len(kept), sum(kept.values())))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cores", "doors"))
    parser.add_argument("--events", type=int, default=80_000)
    parser.add_argument("--doors", type=int, default=200_000)
    parser.add_argument("--grids", type=int, default=2_500)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--standbys", type=int, choices=(0, 1), default=1)
    parser.add_argument("--store", choices=("memory", "rocksdb"), default="memory")
    given = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as temporary:
        kafka = Kafka(Path(temporary) / "kafka")
        kafka.start()
        folder = Path(temporary) / "site"
        folder.mkdir()
        try:
            if given.what == "cores":
                cores(kafka, folder, given.events)
            else:
                doors(kafka, folder, given.doors, given.grids, given.partitions, given.store, given.standbys)
        finally:
            kafka.stop()


if __name__ == "__main__":
    main()
