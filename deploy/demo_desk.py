"""The desk of a demonstration: its store is filled with a staff to log in as, then it runs as any desk does.

One process does both (`python -m deploy.demo_desk SETTINGS LOGINS`), because what fills the store is heavy to start.
With `--staff` it only fills the store of any site that has no people yet, and prints the log-ins: somebody must be
there who can be paged (`docs/cluster.md`).
"""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from devices.edge import fleet_file, settings
from devices.edge.complaints import Complaint
from duty.edge import demo_people, runner
from duty.edge.auth import Auth
from duty.edge.keys import master_key
from duty.edge.rows.base import StoreTrouble
from duty.edge.store import Store


def fill(read: settings.Settings, logins_file: Path) -> None:
    """Make the staff, unless an earlier start did; write down how they log in.  Raises Complaint where people are."""
    if logins_file.exists():
        return
    read.data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in read.data_path.glob("desk.db*"):
        left.unlink()  # an earlier start did not get as far as the log-ins
    fleet = fleet_file.load(read.fleet_path)
    cases = [demo_people.case_row(case.household, case.from_ms, case.until_ms) for case in fleet.cases]
    store = Store.open(read.desk.database or read.data_path / "desk.db", master_key=master_key(read.data_path))
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    try:
        if store.people():
            raise Complaint(
                read.file, 0, "the desk's store has people already", "log in as one of them, or name an empty store"
            )
        auth = Auth(store, site=read.site.name)
        made = demo_people.fill(store, auth, fleet.grids(), int(time.time() * 1000), today, cases=cases)
    finally:
        store.close()
    new = logins_file.with_suffix(".new")
    new.write_text(json.dumps([line for login in made if (line := line_of(login))]))
    new.replace(logins_file)


def line_of(login: demo_people.Login) -> str:
    """`worker           threshold-demo   李秀英`, with the key of a second factor; "" for the second of a role."""
    if login.login[-1].isdigit():
        return ""
    more = f"   second factor: authenticator key {login.totp_secret}" if login.totp_secret else ""
    return f"{login.login:<16} {login.password:<16} {login.name}{more}"


def main(arguments: list[str]) -> int:
    """Fill the store, then run the desk; its exit code."""
    config, logins_file = Path(arguments[0]), Path(arguments[1])
    try:
        fill(settings.load(config), logins_file)
    except (Complaint, StoreTrouble, OSError) as trouble:
        print(f"desk: {trouble}", file=sys.stderr)
        return 2
    if arguments[2:] == ["--staff"]:
        print("\n".join(json.loads(logins_file.read_text())))
        return 0
    return runner.main(config)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
