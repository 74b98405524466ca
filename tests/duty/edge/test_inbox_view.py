from duty.edge.inbox_view import DEVICES_EVERY_MS, InboxView
from duty.edge.store import Store
from duty.picture import Picture
from tests.duty.edge.test_projection import event


def test_devices_are_written_seldom_and_once(sqlite_store: Store) -> None:
    view = InboxView(Picture(), lambda: 77)
    view.take([event(DEVICES_EVERY_MS, open=True)])
    assert view.has_something_to_save()
    view.save(sqlite_store)
    view.saved()
    view.take([event(DEVICES_EVERY_MS + 5, open=False)])
    assert not view.has_something_to_save()
    view.take([event(2 * DEVICES_EVERY_MS, "heartbeat")])
    assert view.has_something_to_save()
    assert [device.heard_ms for device in sqlite_store.devices()] == [DEVICES_EVERY_MS]


def test_a_temperature_is_written_soon(sqlite_store: Store) -> None:
    view = InboxView(Picture(), lambda: 77)
    view.saved()
    view.take([event(5, "temperature", celsius=36.8)])
    assert view.has_something_to_save()


def test_what_a_contact_said_live_is_kept_for_its_test() -> None:
    view = InboxView(Picture(), lambda: 77)
    view.take([event(1, open=True), event(2, open=False, device_ms=1), event(3, open=True, report="periodic")])
    view.take([event(4, "heartbeat")])
    said = view.words_of(event(1).device)
    assert [(word.received_ms, word.open, word.seen_ms, word.device_ms) for word in said] == [
        (1, True, 77, None), (2, False, 77, 1),
    ]  # fmt: skip
    assert view.words_of("nobody") == []
    view.take([event(n, open=bool(n % 2)) for n in range(10, 100)])
    assert len(view.words_of(event(1).device)) < 20


def test_a_device_is_known_before_it_is_listed() -> None:
    """The lists are read in other threads, at any moment."""
    view = InboxView(Picture(), lambda: 77)
    seen: list[bool] = []

    class Listed(dict[str, set[str]]):
        def setdefault(self, place: str, default: set[str] | None = None) -> set[str]:  # type: ignore[override]
            seen.append(event(1).device in view.devices)
            return super().setdefault(place, default or set())

    view._at = Listed()
    view.take([event(1, open=True)])
    assert seen == [True]
    assert [health.device for health in view.devices_of(event(1).place)] == [event(1).device]
