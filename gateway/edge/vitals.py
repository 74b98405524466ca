"""How the gateway is, for the desk (JSON) and for Prometheus (text)."""

import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.edge.gate import Gate
from gateway.edge.listener import Listener
from gateway.edge.pages_out import PagesOut
from gateway.edge.push_door import PushDoor
from streams.edge.log import LogFull

if TYPE_CHECKING:
    from gateway.edge.broker_client import BrokerClient

LOW_DISK_PERCENT = 10.0


def free_percent(folder: Path) -> float:
    """How much of the disk under `folder` is free."""
    usage = shutil.disk_usage(folder)
    return round(100 * usage.free / usage.total, 1)


class Vitals:
    """Reads what the parts count for themselves; nothing here is on the way of a message."""

    def __init__(
        self,
        gate: Gate,
        folder: Path,
        *,
        listener: Listener | None,
        broker: "BrokerClient | None",
        pages: PagesOut | None,
        push: PushDoor | None = None,
        started_ms: int,
        now_ms: Callable[[], int],
        name: str = "",
        kept: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._name = name
        self._kept = kept
        self._gate = gate
        self._folder = folder
        self._listener = listener
        self._broker = broker
        self._pages = pages
        self._push = push
        self._started_ms = started_ms
        self._now_ms = now_ms
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def health(self) -> dict[str, Any]:
        """Everything at a glance; `well` is False where nobody is acknowledged or the broker is away."""
        gate, listener, broker, pages = self._gate, self._listener, self._broker, self._pages
        waits = sorted(gate.waits_ms)
        now_ms = self._now_ms()
        return {
            "process": "gateway",
            "name": self._name,
            "well": not gate.flow.failing and (broker is None or broker.connected),
            "at_ms": now_ms,
            "started_ms": self._started_ms,
            "messages": gate.taken,
            "duplicates": gate.duplicates,
            "faults": gate.faults,
            "rejects": dict(gate.rejected.by_reason),
            "inbox": {
                "well": not gate.flow.failing,
                "trouble": gate.trouble,
                "failing_s": (now_ms - gate.failing_since_ms) / 1000 if gate.flow.failing else 0.0,
                "newest_offset": gate.newest_offset,
                "waiting": gate.flow.messages,
                "reading": gate.flow.reading,
                "commits": gate.commits,
                "commit_ms_p50": round(statistics.median(waits), 2) if waits else None,
                "commit_ms_p99": round(waits[len(waits) * 99 // 100], 2) if waits else None,
                "disk_free_percent": free_percent(self._folder),
                **self._kept(),
            },
            "direct": {
                "connections": len(listener.connections),
                "clients": len(listener.clients),
                **listener.counts,
            }
            if listener is not None
            else None,
            "push": {"connections": self._push.connections, **self._push.counts} if self._push is not None else None,
            "broker": {"state": broker.state, "trouble": broker.trouble, **broker.counts} if broker else None,
            "pages": {"told": pages.told, "gave_up": pages.given_up, "waiting": _waiting(pages)} if pages else None,
        }

    def metrics(self) -> str:
        """The text that Prometheus reads."""
        return generate_latest(self._registry).decode()

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each reading."""
        gate, listener, broker, pages = self._gate, self._listener, self._broker, self._pages

        def counter(name: str, says: str, value: float) -> Metric:
            return CounterMetricFamily(f"threshold_gateway_{name}", says, value=value)

        def gauge(name: str, says: str, value: float) -> Metric:
            return GaugeMetricFamily(f"threshold_gateway_{name}", says, value=value)

        yield counter("messages", "Messages taken in and on disk.", gate.taken)
        yield counter("duplicates", "Messages heard before.", gate.duplicates)
        rejects = CounterMetricFamily("threshold_gateway_rejects", "Messages refused.", labels=["reason"])
        for reason, count in dict(gate.rejected.by_reason).items():
            rejects.add_metric([reason], count)
        yield rejects
        yield counter("commits", "Transactions.", gate.commits)
        yield counter("commit_seconds", "Time spent waiting for transactions.", gate.commit_s)
        yield gauge("waiting_messages", "Messages taken in and not yet on disk.", gate.flow.messages)
        yield gauge("inbox_well", "1: the inbox can be written.", not gate.flow.failing)
        yield gauge("disk_free_percent", "Free space under the data folder.", free_percent(self._folder))
        if (buffer := self._kept().get("buffer")) is not None:
            yield gauge("buffer_bytes", "What waits on this disk for Kafka.", buffer["bytes"])
        if listener is not None:
            yield gauge("connections", "Direct connections.", len(listener.connections))
            events = CounterMetricFamily("threshold_gateway_connection_events", "What befell them.", labels=["what"])
            for what, count in sorted(dict(listener.counts).items()):
                events.add_metric([what], count)
            yield events
        if self._push is not None:
            pushes = CounterMetricFamily("threshold_gateway_pushes", "What became of pushes.", labels=["what"])
            for what, count in sorted(self._push.counts.items()):
                pushes.add_metric([what], count)
            yield pushes
        if broker is not None:
            yield gauge("broker_connected", "1: connected to the broker.", broker.connected)
        if pages is not None:
            yield counter("pages_told", "Pages accepted by their hearers.", pages.told)
            yield counter("pages_given_up", "Pages too old or too large for their hearers.", pages.given_up)


def _waiting(pages: PagesOut) -> dict[str, int] | None:
    """By hearer; None while `outbox` cannot be read, which `pages_out` says."""
    try:
        return pages.waiting()
    except LogFull:
        return None
