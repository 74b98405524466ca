"""The list of events is closed, and its values cannot be changed."""

from typing import get_args

import pytest

from gateway.mqtt import events
from gateway.mqtt.events import Disconnected, Event, Published, Subscription, Will


def test_every_event_of_the_file_is_in_the_list():
    parts = {Will, Subscription}
    declared = {
        one for one in vars(events).values() if isinstance(one, type) and one.__module__ == "gateway.mqtt.events"
    }
    assert set(get_args(Event)) == declared - parts


def test_an_event_cannot_be_changed():
    message = Published("a", b"", 0, 0, False, False, ())
    with pytest.raises(AttributeError):
        message.topic = "b"  # type: ignore[misc]
    assert message == Published("a", b"", 0, 0, False, False, ())
    assert Disconnected(None, "client") != Disconnected(Will("a", b"", 0, False), "client")
