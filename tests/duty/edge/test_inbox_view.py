from duty.edge.inbox_view import DEVICES_EVERY_MS, InboxView
from duty.edge.store import Store
from duty.picture import Picture
from tests.duty.edge.test_projection import event


def test_devices_are_written_seldom_and_once(sqlite_store: Store) -> None:
    view = InboxView(Picture())
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
    view = InboxView(Picture())
    view.saved()
    view.take([event(5, "temperature", celsius=36.8)])
    assert view.has_something_to_save()
