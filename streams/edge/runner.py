"""The process `threshold streams`: decides what is wrong and who must hear of it."""

import gc
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path

from msgspec.structs import replace

from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, load
from streams.edge import policy_file
from streams.edge.local import LocalRuntime, Stopped
from streams.edge.log import LogFull
from streams.edge.reporter import Reporter
from streams.edge.sqlite_log import OldSqlite
from streams.frames import NewerFrame
from streams.policy import Policy


def main(config: Path, worker: int = 1) -> int:
    """Run until it is told to stop; the exit code: 0, or 2 when something must be mended first.

    `worker` is which of a cluster's workers on this machine this one is.
    """
    try:
        settings = of_worker(load(config), worker)
        policy = policy_file.load(settings.policy_path)
        if settings.streams.runtime == "cluster":
            # Faust is installed only where there is a cluster.
            return import_module("streams.edge.faust_app").main(settings, policy)
        return _local(settings, policy)
    except (Complaint, LogFull, NewerFrame, OldSqlite, OSError) as error:
        print(f"streams: {error}", file=sys.stderr, flush=True)
        return 2


def of_worker(settings: Settings, worker: int) -> Settings:
    """What is this worker's own: the folder it keeps things in, and the port it is asked for its metrics at."""
    if worker == 1:
        return settings
    metrics = settings.cluster.metrics
    if metrics:
        host, _, port = metrics.rpartition(":")
        metrics = f"{host}:{int(port) + worker - 1}"
    return replace(
        settings,
        data=replace(settings.data, folder=f"{settings.data.folder}/worker-{worker}"),
        cluster=replace(settings.cluster, metrics=metrics),
    )


def _local(settings: Settings, policy: Policy) -> int:
    folder = settings.data_path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    reporter = Reporter(address=settings.gateway.http, token_file=folder / "door.token")
    runtime: LocalRuntime | None = None
    try:
        runtime = LocalRuntime(
            folder=folder,
            policy=policy,
            partitions=settings.streams.partitions,
            days={"raw": settings.data.raw_days, "incidents": settings.data.incident_days},
            reporter=reporter,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            # Not in the handler: it may come while this thread holds the lock that stopping takes.
            signal.signal(number, lambda *_: threading.Thread(target=runtime.stop).start())
        # What was loaded stays: the collector of cycles need not look through a whole compound again and again.
        gc.collect()
        gc.freeze()
        # Nor is what comes after it: records replace one another without cycles.
        gc.set_threshold(50_000, 20, 20)
        print(f"streams ready: {runtime.says()}", flush=True)
        runtime.run()
    except Stopped:
        pass
    finally:
        if runtime is not None:
            runtime.close()
        reporter.close()
    return 0
