"""The process of the cluster runtime: the core on Faust and Kafka."""

import asyncio
import os
import signal
import sys
import traceback

from devices.edge.settings import Settings
from streams.edge.cluster_metrics import serve
from streams.edge.cluster_part import SCHEMA, Schema
from streams.edge.cluster_reporter import ClusterReporter
from streams.edge.cluster_worker import Clocks, Worker, live_clocks
from streams.edge.kafka import quiet
from streams.edge.progress_watch import ProgressWatch, Stalled
from streams.edge.topics import prepare
from streams.frames import NewerFrame
from streams.policy import Policy


def main(settings: Settings, policy: Policy, *, clocks: Clocks = live_clocks, schema: Schema = SCHEMA) -> int:
    """Run a worker until it is told to stop; the exit code.  Raises Complaint for what must be mended first."""
    quiet()
    for note in prepare(settings):
        print(f"streams: note: {note}", file=sys.stderr, flush=True)
    settings.data_path.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_run(settings, policy, clocks, schema))


def end_process(error: BaseException) -> None:
    """This process cannot go on.  It ends at once: nothing that is not written yet is lost by that."""
    if isinstance(error, NewerFrame):
        print(f"streams: {error}", file=sys.stderr, flush=True)
        os._exit(2)
    if isinstance(error, Stalled):
        print(f"streams: {error}: ending, to be started again", file=sys.stderr, flush=True)
        os._exit(3)
    traceback.print_exception(error)
    print(f"streams: ending, to be started again: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(1)


async def _run(settings: Settings, policy: Policy, clocks: Clocks, schema: Schema) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reporter = ClusterReporter(settings)
    worker = Worker(settings, policy, clocks=clocks, fail=end_process, reporter=reporter, schema=schema)
    watch = ProgressWatch(
        settings,
        mine=lambda: worker.mine,
        standing=worker.standing,
        restored=worker.restored,
        fail=end_process,
        reporter=reporter,
    )
    metrics = serve(settings, worker, watch)
    await worker.start()
    watch.start()
    print("streams ready", flush=True)
    await stop.wait()
    await asyncio.to_thread(watch.close)
    await worker.stop()
    reporter.close()
    metrics.close()
    return 0
