"""`./threshold simulate`: a compound's days as a trace with its fleet file, or live over MQTT."""

import signal
import sys
import tempfile
import time
from pathlib import Path

from deploy.live_compound import Compound as LiveCompound
from deploy.live_compound import Life
from deploy.mqtt_links import parse_url
from deploy.trace_file import Progress
from deploy.trace_line import command_line, message_line
from devices.fleet_text import fleet_text
from devices.simulator import Asked, Plan, Simulator

_CHUNK = 1 << 16


def main(
    households: int = 400,
    seed: int = 7,
    broker: str | None = None,
    out: Path | None = None,
    fleet_out: Path | None = None,
    hours: float = 24,
    speed: float = 60,
    hour: float | None = None,
) -> int:
    """Write a trace to `out`, or publish to `broker` with people living `speed` times as fast; the exit code.

    `hours` is how much of the compound's time; a trace always runs at the pace of clocks.  `hour` is the hour of day in
    people's lives when it begins, whatever the clock says.
    """
    if (broker is None) == (out is None):
        print("threshold: say --out FILE for a trace, or --broker ADDRESS to publish", file=sys.stderr)
        return 2
    if out is not None:
        plan = Plan(households=households, seed=seed, hour=hour)
        write_fleet(plan, fleet_out or out.with_suffix(".fleet.toml"))
        count = write_trace(plan, out, hours)
        print(f"{count} lines in {out}, the fleet in {fleet_out or out.with_suffix('.fleet.toml')}", file=sys.stderr)
        return 0
    assert broker is not None
    try:
        address, user, password = parse_url(broker)
    except ValueError as problem:
        print(f"threshold: {problem}", file=sys.stderr)
        return 2
    plan = Plan(households=households, seed=seed, begins_ms=int(time.time() * 1000), pace=speed, hour=hour)
    if fleet_out is not None:
        write_fleet(plan, fleet_out)
    return publish(plan, address, user, password, seconds=hours * 3600 / speed)


def write_fleet(plan: Plan, path: Path) -> None:
    """The fleet file of the compound."""
    path.write_text("".join(fleet_text(Simulator(plan).compound.fleet(), plan.zone_min)), encoding="utf-8")


def write_trace(plan: Plan, out: Path, hours: float) -> int:
    """`hours` of the compound's life as JSON Lines; how many lines."""
    end_ms = plan.begins_ms + int(hours * 3_600_000)
    progress = Progress(end_ms - plan.begins_ms)
    count, waiting = 0, bytearray()
    with out.open("wb") as file:
        for item in Simulator(plan).until(end_ms):
            count += 1
            if isinstance(item, Asked):
                waiting += command_line(item.at_ms, item.command)
            else:
                waiting += message_line(item.at_ms, item.topic, item.payload, retained=item.retained)
            if len(waiting) > _CHUNK:
                file.write(waiting)
                waiting.clear()
                progress.at(item.at_ms - plan.begins_ms, count)
        file.write(waiting)
    progress.done()
    return count


def publish(plan: Plan, address: tuple[str, int], user: str, password: str, *, seconds: float) -> int:
    """Live over MQTT for `seconds`; 0 when everything was acknowledged.

    A few connections speak for all devices, as a bridge does.  People's commands are not said: a broker takes none.
    """
    with tempfile.TemporaryDirectory(prefix="threshold-simulate-") as folder:
        life = Life(
            plan=plan,
            mqtt=address,
            stats=str(Path(folder) / "stats.json"),
            through_broker=True,
            user=user,
            password=password,
            sirens=False,
        )
        compound = LiveCompound(life)
        signal.signal(signal.SIGALRM, lambda *_: compound.stop())
        signal.setitimer(signal.ITIMER_REAL, seconds)
        compound.run()
        counted = compound.stats("stopped")
    print(f"{counted['sent']} sent, {counted['acknowledged']} acknowledged", file=sys.stderr)
    return 0 if counted["sent"] == counted["acknowledged"] else 1
