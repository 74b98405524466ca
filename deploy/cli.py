"""The commands of `./threshold`. Each imports what it runs only when it is called, so that `version` answers at once.

A command is a thin door: it knows its options and where its function is (`module:function`), and hands them over by
keyword. What the function returns is the exit code; None is 0.
"""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy import __version__

app = typer.Typer(
    name="threshold",
    help="Watches doors of households in isolation and thermometers of checkpoints; gets the right person there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
fleet = typer.Typer(help="Add devices to a fleet file, or list them.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(fleet, name="fleet")

Config = Annotated[Path, typer.Option("--config", help="The box's configuration (TOML).")]
Fleet = Annotated[Path, typer.Option("--fleet", help="The fleet file (TOML).")]
Broker = Annotated[str, typer.Option("--broker", help="mqtt://[user:password@]host[:port] or mqtts://…")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same run.")]
Households = Annotated[int, typer.Option("--households", min=1, help="How many households the compound has.")]


def hand_over(entry: str, **options: Any) -> None:
    """Import `module:function`, call it with the options, and end with its answer as exit code."""
    config = options.get("config")
    if config is not None and (code := importlib.import_module("deploy.engines").ensure(config)):
        raise typer.Exit(code)
    module, function = entry.split(":")
    code = getattr(importlib.import_module(module), function)(**options)
    if code:
        raise typer.Exit(code)


@app.command()
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="No desk to open: run, report, end.")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="End after so many seconds.")] = None,
    households: Households = 400,
    seed: Seed = 7,
    report: Annotated[Path | None, typer.Option("--report", help="Write what was seen to this file (JSON).")] = None,
) -> None:
    """Everything on this machine with a simulated compound; prints the desk's address and logins."""
    hand_over("deploy.demo:run", headless=headless, seconds=seconds, households=households, seed=seed, report=report)


@app.command()
def up(config: Config) -> None:
    """Real use: every process this box needs, watched and started again when one ends."""
    hand_over("deploy.onebox:up", config=config)


@app.command()
def gateway(config: Config) -> None:
    """One process: takes messages in, from devices directly or through a broker."""
    hand_over("gateway.edge.runner:main", config=config)


@app.command()
def streams(
    config: Config,
    worker: Annotated[int, typer.Option("--worker", min=1, help="Which of a cluster's workers on this machine.")] = 1,
) -> None:
    """One process: decides what is wrong, and which role must hear of it."""
    hand_over("streams.edge.runner:main", config=config, worker=worker)


@app.command()
def desk(config: Config) -> None:
    """One process: the screens of the team, the guard, the resident and the supervisor."""
    hand_over("duty.edge.runner:main", config=config)


@app.command()
def sink(config: Config) -> None:
    """One process: writes the time series for review."""
    hand_over("streams.edge.sink:main", config=config)


@app.command()
def watchdog(
    config: Annotated[Path, typer.Option("--config", help="The watchdog's own file (TOML).")],
    test: Annotated[bool, typer.Option("--test", help="One message to every channel, then end.")] = False,
) -> None:
    """On another machine: tells people when the box is dead for three minutes, and since when."""
    hand_over("duty.edge.watchdog:main", config=config, test=test)


@app.command()
def replay(
    trace: Annotated[Path | None, typer.Argument(help="A trace (JSON Lines); none with --since.")] = None,
    fleet: Annotated[Path | None, typer.Option("--fleet", help="The fleet file (TOML).")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="The policy; deploy/policy.toml if not said.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Let time pass to this instant (ISO 8601).")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Counts per kind, role and hour, nights apart.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="Replay the box's own log from so long ago: 7d.")] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="Show the differences to this policy; current: in force.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="The site whose log is read.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write counts and differences to this file.")] = None,
    incident: Annotated[str | None, typer.Option("--incident", help="Tell this incident, event by event.")] = None,
) -> None:
    """What a policy would have decided about a trace or a site's own log: decisions as JSON Lines on stdout."""
    hand_over(
        "deploy.replay:main",
        trace=trace, fleet=fleet, policy=policy, until=until, summary=summary, since=since, against=against,
        config=config, report=report, incident=incident,
    )  # fmt: skip


@app.command()
def record(
    broker: Broker,
    out: Annotated[Path, typer.Option("--out", help="The trace to write (JSON Lines).")],
    topic: Annotated[list[str] | None, typer.Option("--topic", help="What to subscribe to; # if not said.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="End after so many seconds.")] = None,
) -> None:
    """Write what a live broker carries as a trace that `replay` reads."""
    hand_over("deploy.record:main", broker=broker, out=out, topics=topic or ["#"], seconds=seconds)


@app.command()
def check(
    config: Annotated[Path | None, typer.Option("--config", help="The box's configuration (TOML).")] = None,
    fleet: Annotated[Path | None, typer.Option("--fleet", help="The fleet file (TOML).")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="The policy file (TOML).")] = None,
) -> None:
    """Read configuration, fleet and policy, and complain with file and line."""
    hand_over("deploy.check:main", config=config, fleet=fleet, policy=policy)


@app.command()
def migrate(
    config: Config,
    to: Annotated[Path, typer.Option("--to", help="The new cluster's configuration (TOML).")],
) -> None:
    """Move a box, or a cluster that needs other partitions, to an empty cluster.

    What is moved must be stopped, all of it.  Given again after whatever stopped it, the command goes on where it was.
    A cluster's --config and --to are the settings of its desk: another topic_prefix, partitions and data folder in the
    new ones.  From the beginning on nothing starts with the old ones any more.
    """
    hand_over("deploy.migrate:main", config=config, to=to)


@app.command()
def backup(
    config: Config,
    target: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> None:
    """Copy a box's data while it runs, so that it can be gone on from."""
    hand_over("deploy.backup:run", config=config, target=target)


@app.command()
def simulate(
    households: Households = 400,
    seed: Seed = 7,
    broker: Annotated[str | None, typer.Option("--broker", help="Publish over MQTT to this address.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Or write a trace to this file.")] = None,
    fleet_out: Annotated[Path | None, typer.Option("--fleet-out", help="Write the compound's fleet file here.")] = None,
    hours: Annotated[float, typer.Option("--hours", min=0.01, help="How much of the compound's time.")] = 24,
    speed: Annotated[float, typer.Option("--speed", min=0.01, help="Compound seconds in one real second.")] = 60,
    hour: Annotated[
        float | None,
        typer.Option("--hour", min=0, max=24, help="The hour of people's day it begins at; else the clock's."),
    ] = None,
) -> None:
    """A believable compound from a seed: its doors, guns, habits and faults."""
    hand_over(
        "deploy.simulate:main",
        households=households, seed=seed, broker=broker, out=out, fleet_out=fleet_out, hours=hours, speed=speed,
        hour=hour,
    )  # fmt: skip


@app.command()
def sniff(
    broker: Broker,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long to listen.")] = 300,
    write: Annotated[
        Path | None, typer.Option("--write", "--out", help="Append the proposed rows to this file.")
    ] = None,
) -> None:
    """Listen to a broker, recognise devices by what they send, and propose a fleet."""
    hand_over("deploy.sniff:main", broker=broker, seconds=seconds, write=write)


@fleet.command("add")
def fleet_add(
    fleet: Fleet,
    device: Annotated[
        str | None, typer.Option("--id", help="The device's id; its client id for a direct connection.")
    ] = None,
    format: Annotated[str, typer.Option("--format", help="A name of devices/formats.")] = "native",
    topic: Annotated[str | None, typer.Option("--topic", help="Its topic; made from its id if not said.")] = None,
    household: Annotated[str | None, typer.Option("--household", help="grid/building/unit")] = None,
    checkpoint: Annotated[str | None, typer.Option("--checkpoint", help="grid/checkpoint")] = None,
    report_every_s: Annotated[int | None, typer.Option("--report-every-s", min=1)] = None,
    direct: Annotated[bool, typer.Option("--direct/--through-broker", help="Make a secret for a direct one.")] = True,
    open_is: Annotated[str, typer.Option("--open-is", help="What a wired contact says when open: ON, OFF, 1 …")] = "",
    bridge: Annotated[str | None, typer.Option("--bridge", help="Instead of a device: a bridge with this id.")] = None,
    grid: Annotated[str, typer.Option("--grid", help="Whose bridge it is.")] = "",
    devices: Annotated[str, typer.Option("--devices", help="What the topics behind the bridge begin with.")] = "",
    platform: Annotated[
        str | None, typer.Option("--platform", help="Instead of a device: a platform that pushes over HTTP.")
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="Of a platform: ctwing, onenet, ttn, chirpstack, shelly.")] = "",
    token_file: Annotated[str, typer.Option("--token-file", help="Where OneNET's token stands.")] = "",
) -> None:
    """Append a device, a bridge or a platform; its secret is shown once, and kept only hashed."""
    if [device, bridge, platform].count(None) != 2:
        raise typer.BadParameter("say one of --id, --bridge and --platform")
    if bridge is not None:
        if not (grid and topic):
            raise typer.BadParameter("a bridge needs --grid and --topic, the topic of its own state")
        hand_over(
            "deploy.fleet_command:add_bridge",
            fleet=fleet, bridge=bridge, grid=grid, topic=topic, devices=devices, report_every_s=report_every_s,
            direct=direct,
        )  # fmt: skip
        return
    if platform is not None:
        hand_over(
            "deploy.fleet_command:add_platform",
            fleet=fleet, platform=platform, kind=kind, topic=topic, token_file=token_file,
        )  # fmt: skip
        return
    hand_over(
        "deploy.fleet_command:add",
        fleet=fleet, device=device, format=format, topic=topic, household=household, checkpoint=checkpoint,
        report_every_s=report_every_s, direct=direct, open_is=open_is,
    )  # fmt: skip


@app.command()
def push(
    config: Config,
    platform: Annotated[str | None, typer.Argument(help="One platform of the fleet; all if not said.")] = None,
    attempt: Annotated[
        bool, typer.Option("--try", help="Ask the running door whether it answers as it should.")
    ] = False,
    key: Annotated[str | None, typer.Option("--key", help="The platform's key, to see whether it is right.")] = None,
    ca: Annotated[Path | None, typer.Option("--ca", help="Trust this authority (PEM) when asking.")] = None,
) -> None:
    """What to enter at each platform that pushes over HTTP; with --try, whether the door answers as it should."""
    hand_over("deploy.push:main", config=config, platform=platform, attempt=attempt, key=key, ca=ca)


@fleet.command("list")
def fleet_list(fleet: Fleet) -> None:
    """The devices of a fleet file, with their places and cases."""
    hand_over("deploy.fleet_command:list_devices", fleet=fleet)


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """The whole test suite: `test [--live] [anything pytest takes]`."""
    hand_over("deploy.testing:main", arguments=context.args)


@app.command()
def version() -> None:
    """This version, and the Python and SQLite it runs on."""
    apsw = importlib.import_module("apsw")
    print(f"threshold {__version__}")
    print(f"Python {sys.version.split()[0]}")
    print(f"SQLite {apsw.sqlite_lib_version()}")


if __name__ == "__main__":
    app(prog_name="threshold")
