"""The files of a demonstration's site: fleet, settings, people, what the compound is to live.

A process of its own (`python -m deploy.demo_site`, wishes as JSON on stdin, answers on stdout), so that what runs
through the whole demonstration stays small.
"""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

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
    """Write the files into `wanted["folder"]`; the paths of plan and life, and the log-ins."""
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
    box = onebox.write_plan(read, onebox.plan_for(read))
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
    return {"plan": str(box), "life": str(life), "logins": _people(read, Compound(plan))}


def _people(read: settings.Settings, compound: Compound) -> list[str]:
    """Fill the desk's store with the demonstration's staff; the lines that say how to log in."""
    # A store is heavy to import, and this process ends before the demonstration begins.
    from duty.edge import demo_people
    from duty.edge.auth import Auth
    from duty.edge.keys import master_key
    from duty.edge.store import Store

    read.data_path.mkdir(parents=True, exist_ok=True)
    fleet = compound.fleet()
    cases = [demo_people.case_row(case.household, case.from_ms, case.until_ms) for case in fleet.cases]
    store = Store.open(read.data_path / "desk.db", master_key=master_key(read.data_path))
    now_ms = int(time.time() * 1000)
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    try:
        logins = demo_people.fill(store, Auth(store, site=read.site.name), fleet.grids(), now_ms, today, cases=cases)
    finally:
        store.close()
    return [line for login in logins if (line := _login(login))]


def _login(login: Any) -> str:
    """`worker         threshold-demo   李秀英 (g001)`; the first of each role, and how its second factor is made."""
    if login.login[-1].isdigit():
        return ""
    more = f"   second factor: authenticator key {login.totp_secret}" if login.totp_secret else ""
    return f"{login.login:<14} {login.password:<16} {login.name}{more}"


if __name__ == "__main__":
    json.dump(make(json.load(sys.stdin)), sys.stdout)
