from devices.events import Event
from duty.health import DeviceHealth, after_event


def event(at_ms: int, **facets: object) -> Event:
    return Event(
        id=str(at_ms), device="d", grid="g", where="household", place="g/1/1", received_ms=at_ms, kind="door", **facets
    )  # type: ignore[arg-type]


def after(*events: Event) -> DeviceHealth:
    health: DeviceHealth | None = None
    for each in events:
        health = after_event(health, each)
    assert health is not None
    return health


def test_what_is_not_said_stays_as_it_was() -> None:
    health = after(event(1, battery_percent=50.0, tamper=False), event(2, open=True), event(3, tamper=True))
    assert (health.battery_percent, health.open, health.tamper, health.heard_ms) == (50.0, True, True, 3)


def test_only_a_live_opening_proves_a_fitting() -> None:
    assert after(event(1, open=True, report="periodic")).opened_ms is None
    assert after(event(1, open=True, report="retained")).opened_ms is None
    assert after(event(1, open=False), event(2, open=True)).opened_ms == 2
    assert after(event(1, open=True), event(2, open=True)).opened_ms == 1  # told again, it is the same opening
    assert after(event(1, open=True), event(2, open=False), event(3, open=True)).opened_ms == 3


def test_a_late_frame_does_not_make_a_device_older() -> None:
    assert after(event(5), event(3)).heard_ms == 5
