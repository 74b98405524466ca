"""How the desk is, for Prometheus: how old its picture is, what is open, who looks."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from duty.edge.presence import Presence
from duty.edge.projection import Projection
from streams.words import KINDS

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class DeskMetrics:
    """Reads what the projection knows; asked from a thread of its own."""

    def __init__(self, projection: Projection, presence: Presence, *, clock_ms: Callable[[], int]) -> None:
        self._projection = projection
        self._presence = presence
        self._clock_ms = clock_ms

    def collect(self) -> "Iterator[Metric]":
        """Called by prometheus_client at each reading."""
        from prometheus_client.core import GaugeMetricFamily

        age_ms = max(0, self._clock_ms() - self._projection.live_since_ms())
        yield GaugeMetricFamily("threshold_desk_picture_age_seconds", "Since the screens were true.", age_ms / 1000)
        well = not self._projection.trouble
        yield GaugeMetricFamily("threshold_desk_store_well", "1: the desk's store can be written.", int(well))
        yield GaugeMetricFamily("threshold_desk_screens", "Screens that follow live.", self._presence.streams())
        opened = GaugeMetricFamily("threshold_desk_open_incidents", "Incidents open now.", labels=["kind"])
        counts = Counter(incident.kind for incident in self._projection.picture.open_incidents())
        for kind in KINDS:
            opened.add_metric([kind], counts.get(kind, 0))
        yield opened
