"""The gateway's door while it waits at its start for where it keeps what it takes in.

Nobody is let in yet and nothing is taken; but whoever asks how the gateway is (the desk, a probe, Prometheus) hears
what it waits for, and a command is answered with that instead of not at all.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from devices.edge.complaints import Complaint
from devices.edge.metrics_server import Served, serve
from devices.edge.settings import Settings, split_address
from gateway.edge.http_caller import Answer, bad
from gateway.edge.http_door import Door, Routes, token_of
from gateway.edge.say import say
from gateway.edge.vitals import free_percent

OPENING = "where the inbox is kept does not answer yet"
_POSTS = ("/commands", "/messages", "/reports", "/receipts", "/rejects/replay")


class WaitingDoor:
    """Opened by `open`, which may be called again and again: until a process just ending has let go of the address."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        self.trouble = OPENING
        self.address = ""
        self._settings = settings
        self._now_ms = now_ms
        self._since_ms = now_ms()
        self._door: Door | None = None
        self._metrics = Served()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    async def open(self) -> None:
        """Answer, if that can be: an address that is taken is complained of when the gateway itself wants it."""
        if self._door is not None:
            return
        settings = self._settings
        routes: Routes = {("GET", "/health"): self._health, ("GET", "/metrics"): self._text}
        routes |= {("POST", path): self._refuse for path in _POSTS}
        try:
            door = Door(routes, token_of(settings.data_path), _fault)
            host, port = await door.listen(*split_address(settings.gateway.http))
        except OSError:
            return
        self._door, self.address = door, f"{host}:{port}"
        say("only health is answered until then", address=self.address)
        with contextlib.suppress(Complaint):
            self._metrics = await asyncio.to_thread(serve, settings, self, "metrics", "gateway")

    async def close(self) -> None:
        """Let go of the addresses.  May be called twice."""
        if self._door is not None:
            self._door.close()
            self._door = None
            # What listened is closed in the next turn of the loop.
            await asyncio.sleep(0)
        metrics, self._metrics = self._metrics, Served()
        await asyncio.to_thread(metrics.close)

    def health(self) -> dict[str, Any]:
        """As `Vitals.health`, of a gateway that has not begun."""
        now_ms = self._now_ms()
        return {
            "process": "gateway",
            "name": self._settings.gateway.name,
            "well": False,
            "at_ms": now_ms,
            "started_ms": self._since_ms,
            "messages": 0,
            "duplicates": 0,
            "faults": 0,
            "rejects": {},
            "inbox": {
                "well": False,
                "trouble": self.trouble,
                "failing_s": (now_ms - self._since_ms) / 1000,
                "newest_offset": 0,
                "waiting": 0,
                "reading": False,
                "commits": 0,
                "commit_ms_p50": None,
                "commit_ms_p99": None,
                "disk_free_percent": free_percent(self._settings.data_path),
            },
            "direct": None,
            "push": None,
            "broker": None,
            "pages": None,
        }

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each reading."""
        yield GaugeMetricFamily("threshold_gateway_inbox_well", "1: the inbox can be written.", value=0)

    async def _health(self, _raw: Any) -> Answer:
        return Answer(200, self.health())

    async def _text(self, _raw: Any) -> Answer:
        return Answer(200, generate_latest(self._registry).decode(), "text/plain; version=0.0.4; charset=utf-8")

    async def _refuse(self, _raw: Any) -> Answer:
        return bad("inbox-full", self.trouble, 503)


def _fault(path: str, fault: BaseException) -> None:
    say("a fault of this program met a request", path=path, fault=f"{type(fault).__name__}: {fault}")
