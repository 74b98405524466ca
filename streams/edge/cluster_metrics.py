"""How a worker of the cluster is, for Prometheus: `[cluster] metrics` says where it answers.

Answered from a thread of its own, so that it also answers while the event loop hangs; `watch_age_seconds` and
`since_flush_seconds` tell that.
"""

import time
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from devices.edge import metrics_server
from devices.edge.metrics_server import Served
from devices.edge.settings import Settings
from streams.edge.cluster_worker import Worker
from streams.edge.progress_watch import ProgressWatch


class ClusterMetrics:
    """Reads what the parts count for themselves."""

    def __init__(self, worker: Worker, watch: ProgressWatch) -> None:
        self._worker = worker
        self._watch = watch
        self._began_s = time.monotonic()

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each reading."""
        worker, watch, now_s = self._worker, self._watch, time.monotonic()
        yield _gauge("worker_up", "1: this process answers.", 1)
        yield _gauge("worker_uptime_seconds", "Since it started.", now_s - self._began_s)
        yield _gauge("worker_partitions", "Partitions of inbox that it was given.", len(worker.mine))
        yield _gauge("worker_partitions_running", "Those of them that it takes frames from.", len(worker.runners))
        yield CounterMetricFamily("threshold_worker_rebalances", "Times it was given partitions.", worker.rebalances)
        yield CounterMetricFamily(
            "threshold_worker_read_anew",
            "Times that what it kept of a partition was not what the last writer had, and was read from the beginning.",
            worker.read_anew,
        )
        yield _gauge(
            "worker_watch_age_seconds",
            "Since the watchdog last saw the offsets; grows while Kafka is away.",
            now_s - (self._began_s if watch.looked_s is None else watch.looked_s),
        )
        yield _gauge("worker_stuck_partitions", "Partitions, of anybody's, that stand too long.", len(watch.stuck))
        # Of every partition, whoever has it.
        places = watch.places
        yield _by_partition(
            "inbox_committed", "Frame of inbox the group has come to.", {p: at for p, (at, _) in places.items()}
        )
        yield _by_partition("inbox_end", "Where inbox ends.", {p: end for p, (_, end) in places.items()})
        yield _by_partition("inbox_lag", "Frames that wait.", {p: max(0, end - at) for p, (at, end) in places.items()})
        # Of those of this process.
        runners = dict(worker.runners)
        marks = {number: runner.part.mark for number, runner in runners.items()}
        yield _by_partition("worker_offset", "Frame taken in.", {n: r.part.offset for n, r in runners.items()})
        yield _by_partition(
            "worker_records", "Records remembered.", {n: len(r.part.engine.records) for n, r in runners.items()}
        )
        flush_s = {number: runner.flush_s for number, runner in runners.items()}
        yield _by_partition("worker_flush_seconds", "What its last flush took.", flush_s)
        yield _by_partition(
            "worker_since_flush_seconds", "Since its last flush.", {n: r.since_flush_s for n, r in runners.items()}
        )
        yield _by_partition(
            "worker_put_aside", "Frames and records put aside, not taken in yet.",
            {n: r.part.put_aside for n, r in runners.items()},
        )  # fmt: skip
        yield _by_partition(
            "worker_foreign_records", "Records a worker wrote that had lost the partition; put right.",
            {n: r.foreign_records for n, r in runners.items()},
        )  # fmt: skip
        # Of those it stands by for.
        yield _by_partition("worker_standby_behind", "Records of the changelog not read yet.", worker.behind())
        for name, says in (("events", "Records of inbox taken in."), ("decisions", "Decisions."), ("pages", "Pages.")):
            # Over all owners: whoever has the partition goes on counting.
            family = CounterMetricFamily(f"threshold_streams_{name}", says, labels=["partition"])
            for number, mark in marks.items():
                family.add_metric([str(number)], getattr(mark, name))
            yield family


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"threshold_{name}", says, value=value)


def _by_partition(name: str, says: str, values: dict[int, Any]) -> Metric:
    family = GaugeMetricFamily(f"threshold_{name}", says, labels=["partition"])
    for number, value in sorted(values.items()):
        family.add_metric([str(number)], value)
    return family


def serve(settings: Settings, worker: Worker, watch: ProgressWatch) -> Served:
    """Answer at `[cluster] metrics`.  Raises Complaint where that address cannot be listened on."""
    return metrics_server.serve(settings, ClusterMetrics(worker, watch), "cluster", "metrics")
