"""The whole job, from a door's PUBLISH to the page that a person's device receives, with everything on disk between.

    python -m tests.bench.bench_door_to_page [--rates 1000,5000,10000,0] [--ways direct,broker,paho] [--seconds 4]

Starts real `gateway`, `streams` and `sink` processes on a temporary folder; another process is 1,000 doors, each a
connection of its own (QoS 1), a third hears the pages.  `direct`: the doors connect to the gateway.  `broker`: the same
through mosquitto.  `paho`: the same load and the same mosquitto, but a plain script (open door → alert, nothing on
disk) in the place of Threshold.  `kafka` and `kafka-broker`: as `direct` and `broker`, but the gateway and two workers
on a real Kafka (one broker, in a fresh JVM; it syncs no record).  Rate 0 is flat out: every door has ten messages
unanswered all the time.

Prints, for each: messages a second that were acknowledged (`taken`) and that the core had decided and made durable
(`decided`), CPU per message of each process, p50/p99 of the doors' wait for PUBACK and of door → page; and the same in
proportion to the script, and of a cluster in proportion to the box.  Nothing here passes or fails by its time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from tests.bench import compound
from tests.bench.box import ROOT, Box
from tests.bench.city import City
from tests.bench.compound_load import quantiles
from tests.bench.mqtt_load import cpu_of
from tests.servers import Kafka, Mosquitto

WAYS = ("direct", "broker", "paho")
ON_KAFKA = {"kafka": "direct", "kafka-broker": "broker"}  # and the box's way that is like it
_PATIENCE_S = 5.0


class Measured(msgspec.Struct):
    """One way at one rate.  `cpu_us` is microseconds a message by process; waits are (p50, p99) in milliseconds."""

    way: str
    rate: int
    taken: float
    decided: float | None
    cpu_us: dict[str, float]
    puback_ms: tuple[float, float]
    page_ms: tuple[float, float]
    pages: int
    missing: int
    unacknowledged: int

    def ours_us(self) -> float:
        """CPU of what does the job, without broker, load and sink (which nothing waits for)."""
        return sum(self.cpu_us.get(name, 0.0) for name in ("gateway", "streams", "streams-2", "script"))


class Program:
    """A process of the bench's own that talks in lines."""

    def __init__(self, module: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def expect(self, line: str) -> None:
        said = self.line()
        if said != line:
            raise SystemExit(f"{line!r} was expected of {self.process.args!r}, it said {said!r}")

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)


def page_of(topic: str, payload: str) -> str:
    """The household a page is about; "" for a page about something else."""
    said = json.loads(payload)
    wanted = topic.endswith("/worker") and said["kind"] == "undeclared-opening" and said["step"] == 0
    return said["subject"] if wanted else ""


def alert_of(topic: str, _payload: str) -> str:
    """The household that one of the script's alerts is about."""
    name = next(level for level in topic.split("/") if level.startswith("door-"))
    return compound.household(int(name.removeprefix("door-")))


def measured(
    way: str,
    rate: int,
    first: int,
    given: argparse.Namespace,
    *,
    port: int,
    ear: Program,
    household_of: Callable[[str, str], str],
    pids: dict[str, int],
    events: Callable[[], int] | None,
) -> Measured:
    """Run the load once, of `given.connections` doors from number `first` on."""
    ear.ask()
    load = Program(
        "compound_load", "--port", port, "--first", first, "--connections", given.connections, "--rate", rate,
        "--seconds", given.seconds, "--warm-up-s", given.warm_up_s, "--openings", given.openings,
        *(["--through-broker"] if is_through_broker(way) else []),
    )  # fmt: skip
    with load:
        every = {**pids, "load": load.process.pid}
        load.expect("begin")
        cpu, done, at = cpu_of(list(every.values())), events() if events else 0, time.monotonic()
        load.expect("end")
        cpu = [after - before for after, before in zip(cpu_of(list(every.values())), cpu, strict=True)]
        decided = (events() - done) / (time.monotonic() - at) if events else None
        result = json.loads(load.line())
    openings: dict[str, int] = result["openings"]
    heard: dict[str, int] = {}
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and not openings.keys() <= heard.keys():
        time.sleep(0.1)
        for topic, payload, at_ns in ear.ask():
            heard.setdefault(household_of(topic, payload), at_ns)
    waits = [(heard[name] - sent_ns) / 1e9 for name, sent_ns in openings.items() if name in heard]
    return Measured(
        way=way,
        rate=rate,
        taken=result["messages"] / result["seconds"],
        decided=decided,
        cpu_us={
            name: 1e6 * used / max(1, result["messages"]) for name, used in zip(every, cpu, strict=True) if used
        },
        puback_ms=tuple(result["waits_ms"]),
        page_ms=quantiles(waits),
        pages=len(waits),
        missing=len(openings) - len(waits),
        unacknowledged=result["unacknowledged"],
    )  # fmt: skip


def is_through_broker(way: str) -> bool:
    return way not in ("direct", "kafka")


def ears_of(way: str, households: int) -> list[str]:
    if not is_through_broker(way):
        grids = sorted({compound.grid(number) for number in range(households)})
        return [f"{compound.ear(grid)}=threshold/pages/{grid}/worker" for grid in grids]
    return ["anybody=alerts/#" if way == "paho" else "anybody=threshold/pages/+/worker"]


def run_way(way: str, rates: list[int], given: argparse.Namespace, folder: Path) -> list[Measured]:
    """All rates of one way, each with doors that have not opened before."""
    households = given.connections * len(rates)
    with ExitStack() as opened:
        pids: dict[str, int] = {}
        events = None
        port = 0
        if is_through_broker(way):
            mosquitto = opened.enter_context(Mosquitto(folder / way / "mosquitto", settings="fast"))
            pids["mosquitto"] = mosquitto.pid
            port = mosquitto.port
        if way == "paho":
            script = opened.enter_context(Program("paho_script", port))
            script.expect("ready")
            pids["script"] = script.process.pid
        else:
            site = folder / way / "box"
            if way in ON_KAFKA:
                kafka = Kafka(folder / way / "kafka")
                opened.enter_context(kafka)
                box: Box = City(site, households, kafka.url, broker_port=port)
                pids["kafka"] = kafka.pid
            else:
                box = Box(site, households, broker_port=port)
            opened.enter_context(box)
            pids.update(zip(box.names, box.pids(), strict=True))
            events = box.events
            port = port or box.port
        ear = opened.enter_context(Program("page_ear", port, *ears_of(way, households)))
        ear.expect("ready")
        found: list[Measured] = []
        for number, rate in enumerate(rates):
            one = measured(
                way, rate, number * given.connections, given, port=port, ear=ear, pids=pids, events=events,
                household_of=alert_of if way == "paho" else page_of,
            )  # fmt: skip
            print(line(one), flush=True)
            found.append(one)
        return found


def line(one: Measured) -> str:
    name = f"{one.rate:,}/s" if one.rate else "flat out"
    decided = f"{one.decided:7,.0f}" if one.decided is not None else "      -"
    cpu = " ".join(f"{process} {used:.0f}" for process, used in one.cpu_us.items())
    trouble = f"  MISSING {one.missing} pages" if one.missing else ""
    trouble += f"  UNACKNOWLEDGED {one.unacknowledged}" if one.unacknowledged else ""
    return (
        f"{one.way:<12}{name:>9} {one.taken:7,.0f} {decided}  {one.puback_ms[0]:6.1f} {one.puback_ms[1]:7.1f}"
        f"  {one.page_ms[0]:6.1f} {one.page_ms[1]:7.1f} ({one.pages:>3}){trouble}   {cpu}"
    )


def ratios(found: list[Measured]) -> None:
    """Threshold in proportion to the script at the same rate, and a cluster in proportion to the box."""
    boxes = {(one.way, one.rate): one for one in found}
    for one in found:
        box = boxes.get((ON_KAFKA.get(one.way, ""), one.rate))
        if box is not None and box.puback_ms[1] and box.page_ms[1]:
            name = f"{one.rate:,}/s" if one.rate else "flat out"
            print(
                f"{one.way:<12}{name:>9}  in proportion to the box: CPU {one.ours_us() / box.ours_us():.1f}, of the "
                f"gateway {one.cpu_us['gateway'] / box.cpu_us['gateway']:.1f}, rate {one.taken / box.taken:.2f}, "
                f"PUBACK p50 {one.puback_ms[0] / box.puback_ms[0]:.1f}, p99 {one.puback_ms[1] / box.puback_ms[1]:.1f}, "
                f"door → page p50 {one.page_ms[0] / box.page_ms[0]:.1f}, p99 {one.page_ms[1] / box.page_ms[1]:.1f}"
            )
    scripts = {one.rate: one for one in found if one.way == "paho"}
    for one in found:
        script = scripts.get(one.rate)
        if script is None or one is script or not (script.taken and script.page_ms[1] and script.ours_us()):
            continue
        name = f"{one.rate:,}/s" if one.rate else "flat out"
        print(
            f"{one.way:<12}{name:>9}  in proportion to the script: CPU {one.ours_us() / script.ours_us():.1f}, "
            f"rate {one.taken / script.taken:.2f}, "
            f"door → page p50 {one.page_ms[0] / script.page_ms[0]:.1f}, p99 {one.page_ms[1] / script.page_ms[1]:.1f}"
        )


def fsync_ms(folder: Path) -> tuple[float, float]:
    """What one small durable write takes at this moment: a page cannot be quicker than two of them."""
    waits: list[float] = []
    file = os.open(folder / "trial", os.O_CREAT | os.O_WRONLY)
    for number in range(200):
        os.pwrite(file, bytes(8192), number * 8192)
        begun = time.monotonic()
        os.fdatasync(file)
        waits.append(time.monotonic() - begun)
    os.close(file)
    return quantiles(waits)


def run(given: argparse.Namespace) -> list[Measured]:
    """All of it, printed as it goes."""
    rates = [int(rate) for rate in given.rates.split(",")]
    print(
        f"{given.connections:,} connections, {given.openings:g} fresh openings a second, {given.seconds:g} s each; "
        "waits p50 and p99 in ms, CPU in µs a message\n"
        "way              rate   taken decided          PUBACK       door → page            CPU"
    )
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="threshold-bench-", dir=given.folder) as name:
        print(f"this disk now: fdatasync of 8 KB {'{:.1f} {:.1f}'.format(*fsync_ms(Path(name)))}", flush=True)
        for way in given.ways.split(","):
            found += run_way(way, rates, given, Path(name))
    ratios(found)
    return found


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="1000,5000,10000,0", help="messages a second, 0: flat out")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--warm-up-s", type=float, default=1)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--folder", help="where the box keeps its files; the system's temporary folder if not said")
    parser.add_argument("--openings", type=float, default=50, help="fresh openings a second")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(options())
