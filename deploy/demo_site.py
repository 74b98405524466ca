"""The files of a demonstration's site: fleet, settings, what is to run, what the compound is to live.

A process of its own (`python -m deploy.demo_site`, wishes as JSON on stdin, answers on stdout), so that what runs
through the whole demonstration stays small.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from deploy import onebox
from deploy.live_compound import Life
from devices.edge import settings
from devices.fleet_text import fleet_text
from devices.simulator import Compound, Plan

_SETTINGS = """\
[site]
name = "Threshold demo"
fleet = "fleet.toml"

[data]
folder = "data"

[gateway]
listen = "{listen}"
http = "{http}"
rate_per_device_s = 200

[desk]
listen = "{desk}"
language = "zh"
"""


def make(wanted: dict[str, Any]) -> dict[str, Any]:
    """Write the files into `wanted["folder"]`; the paths of the box's plan and the life."""
    folder = Path(wanted["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        households=wanted["households"],
        seed=wanted["seed"],
        begins_ms=int(time.time() * 1000),
        hour=wanted["hour"],
        pace=wanted["pace"],
        isolated_share=wanted["isolated_share"],
        # Every sensor connects by itself here, so that none hangs on a bridge.
        bridges=False,
    )
    (folder / "fleet.toml").write_text("".join(fleet_text(Compound(plan).fleet())), encoding="utf-8")
    config = folder / "threshold.toml"
    config.write_text(_SETTINGS.format(**wanted), encoding="utf-8")
    read = settings.load(config)
    plan_of_box = onebox.plan_for(read)
    for row in plan_of_box["processes"]:
        if row["name"] == "desk":
            row["argv"] = [sys.executable, "-m", "deploy.demo_desk", str(config), str(folder / "logins.json")]
    box = onebox.write_plan(read, plan_of_box)
    life = folder / "life.json"
    address = settings.split_address(wanted["listen"])
    life.write_bytes(
        msgspec.json.encode(
            Life(
                plan=plan,
                mqtt=address,
                stats=str(folder / "compound.json"),
                door=wanted["http"],
                token_file=str(read.data_path / "door.token"),
                acked=str(folder / "acked.bin") if wanted["record"] else "",
            )
        )
    )
    return {"plan": str(box), "life": str(life)}


if __name__ == "__main__":
    json.dump(make(json.load(sys.stdin)), sys.stdout)
