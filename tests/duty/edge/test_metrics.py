"""What the desk tells Prometheus."""

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from duty.edge.metrics import DeskMetrics
from duty.edge.presence import Presence
from tests.desk_world import World


async def test_age_of_the_picture_open_incidents_and_screens(tmp_path: Path) -> None:
    world = World(tmp_path)
    presence = Presence()
    registry = CollectorRegistry()
    registry.register(DeskMetrics(world.projection, presence, clock_ms=world.clock_ms))  # type: ignore[arg-type]
    with presence.of("w1"), presence.of("w1"), presence.of("w2"):
        text = generate_latest(registry).decode()
    assert "threshold_desk_screens 3.0" in text
    assert "threshold_desk_store_well 1.0" in text
    assert "threshold_desk_picture_age_seconds " in text
    open_now = world.projection.picture.open_incidents()
    assert open_now
    kind = open_now[0].kind
    count = sum(incident.kind == kind for incident in open_now)
    assert f'threshold_desk_open_incidents{{kind="{kind}"}} {count}.0' in text
    assert 'kind="bridge-down"} 0.0' in text
    world.close()
