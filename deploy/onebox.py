"""`./threshold up`: everything on this machine.  Checks first, then becomes the supervisor of its processes.

In a cluster the same processes run, and as many workers as the settings say; what they talk to is checked first.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from deploy import engines, process
from deploy.check import check
from deploy.launch import environment, supervisor_argv
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, split_address
from devices.edge.toml_lines import read_toml

_PORTS = (("gateway", "listen"), ("gateway", "tls_listen"), ("gateway", "http"), ("desk", "listen"))


def up(config: Path) -> int:
    """Run until Ctrl-C or SIGTERM.  Returns only when there is something to complain about: 1."""
    config = config.resolve()
    found = check(config, None, None)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    read = found.settings
    complaints = found.complaints or (moved_away(read) + ports_taken(read) if read else [])
    if not complaints and read is not None:
        complaints, notes = engines.check(read)
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
    if not complaints and read is not None:
        plan = write_plan(read, plan_for(read))
        # This process has served: the supervisor that takes its place needs none of what was imported for the check.
        os.execve(sys.executable, supervisor_argv(plan), environment())
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1


def moved_away(read: Settings) -> list[Complaint]:
    """A complaint where this box was moved to a cluster: both would decide and page.  Half a move hinders nothing, for
    nothing of the cluster starts before it is whole."""
    note = read.data_path / "migration.json"
    if read.streams.runtime != "local" or not note.is_file():
        return []
    move = json.loads(note.read_text())
    if not move["finished"]:
        return []
    remedy = "start the cluster's processes, or delete migration.json if nothing of the cluster runs or ever will"
    return [Complaint(str(read.data_path), 0, f"this box was moved to {move['to']}", remedy)]


def plan_for(read: Settings, log: Path | None = None) -> dict[str, Any]:
    """What the supervisor is to run; `log` is a file for the log lines instead of stderr."""
    processes = [("gateway", []), *engines.workers(read), ("sink", []), ("desk", [])]
    return {
        "data": read.data.folder,
        "door": read.gateway.http,
        "log": str(log) if log else "",
        "processes": [
            {"name": name, "argv": process.argv_of(name.partition("-")[0], Path(read.file), more)}
            for name, more in processes
        ],
    }


def write_plan(read: Settings, plan: dict[str, Any]) -> Path:
    """The plan as a file in the data folder, which is made: only its owner may look in."""
    read.data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = read.data_path / "plan.json"
    path.write_text(json.dumps(plan, indent=1))
    return path


def ports_taken(read: Settings) -> list[Complaint]:
    """A complaint for every address that another program listens on already."""
    file = read_toml(read.file)
    found: list[Complaint] = []
    for table, key in _PORTS:
        address = getattr(getattr(read, table), key)
        if not address:
            continue
        host, port = split_address(address)
        try:
            family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(where)
        except OSError as error:
            found.append(
                Complaint(
                    file.file,
                    file.line(table, key),
                    f"{table}.{key}: {address} cannot be listened on: {error.strerror}",
                    f"end what uses the port, or choose another in [{table}]",
                )
            )
    return found
