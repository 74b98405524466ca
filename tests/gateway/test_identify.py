import pytest

from devices.formats import table
from gateway.identify import identify, owners, subscriptions, topics_of
from tests.gateway.worlds import BRIDGE, FLEET, door, fleet_of, gun, native_door

KNOWN = owners(FLEET, table(), {})


@pytest.mark.parametrize(
    ("topic", "ids", "rest"),
    [
        ("zigbee2mqtt/door-1", {"door-1"}, ""),
        ("zigbee2mqtt/door-1/availability", {"door-1"}, "availability"),
        ("zigbee2mqtt/door-1/a/b", {"door-1"}, "a/b"),
        ("threshold/g017/gun-1/temperature", {"gun-1"}, ""),
        ("threshold/g017/gun-1/heartbeat", {"gun-1"}, "heartbeat"),
        ("threshold/g017/dev-1/door", {"dev-1"}, "door"),
        ("zigbee2mqtt/bridge/state", {"z2m-17"}, ""),
        ("zigbee2mqtt/bridge/logging", {"z2m-17"}, "logging"),
    ],
)
def test_a_topic_belongs_to_its_row(topic, ids, rest):
    found = identify(KNOWN, topic)
    assert found is not None
    assert (found.owner.ids, found.rest) == (ids, rest)


@pytest.mark.parametrize("topic", ["zigbee2mqtt/door-9", "zigbee2mqtt", "zigbee2mqtt/door-11", "", "/", "a/b/c/d/e"])
def test_a_topic_of_no_row_belongs_to_nobody(topic):
    assert identify(KNOWN, topic) is None


def test_the_longest_parent_wins():
    known = owners(fleet_of(door("a", topic="z/hall"), door("b", topic="z/hall/door")), table(), {})
    for topic, name in {"z/hall/x": "a", "z/hall/door": "b", "z/hall/door/x": "b", "z/hall/doors": "a"}.items():
        found = identify(known, topic)
        assert found is not None
        assert found.owner.ids == {name}, topic


def test_both_prefixes_of_a_tasmota_share_one_memory():
    board = door("t", format="tasmota", topic="hall", open_is="ON")
    known = owners(fleet_of(board), table(), {"hall": {"learnt": 1}})
    found = [identify(known, topic) for topic in ("stat/hall/RESULT", "tele/hall/LWT")]
    assert [f and (f.owner.ids, f.rest) for f in found] == [({"t"}, "RESULT"), ({"t"}, "LWT")]
    assert found[0]
    assert found[1]
    assert found[0].owner.memory is found[1].owner.memory
    assert found[0].owner.memory == {"learnt": 1}


def test_rows_that_share_a_topic_are_found_together():
    rows = [door(n, format="tasmota", topic="board", address=f"Switch{n}", open_is="ON") for n in ("1", "2")]
    found = identify(owners(fleet_of(*rows), table(), {}), "stat/board/RESULT")
    assert found is not None
    assert [device.id for device in found.owner.devices] == ["1", "2"]


def test_a_sibling_topic_is_another_rows_where_that_row_names_it():
    known = owners(fleet_of(gun(), native_door("whole", topic="threshold/g017/gun-1")), table(), {})
    found = identify(known, "threshold/g017/gun-1/heartbeat")
    assert found is not None
    assert found.owner.ids == {"whole"}


def test_what_is_whose():
    assert topics_of(KNOWN)["gun-1"] == ("threshold/g017/gun-1/temperature", "threshold/g017/gun-1")
    assert topics_of(KNOWN)["z2m-17"] == ("zigbee2mqtt/bridge/state", "zigbee2mqtt/bridge")


def test_a_broker_is_asked_for_the_fleet_and_what_is_new_beside_it():
    assert subscriptions(KNOWN) == ["threshold/g017/#", "zigbee2mqtt/#"]


def test_a_broker_is_never_asked_for_our_own_pages():
    rows = [gun(), door("plain", topic="plain"), door("odd", topic="threshold/odd"), BRIDGE]
    filters = subscriptions(owners(fleet_of(*rows), table(), {}))
    assert filters == ["plain/#", "threshold/g017/#", "threshold/odd/#", "zigbee2mqtt/#"]


def test_a_large_fleet_costs_no_scan():
    """A look-up touches one entry a level: counted, not timed."""

    class Counting(dict):
        asked = 0

        def get(self, key, default=None):
            Counting.asked += 1
            return super().get(key, default)

    known = Counting(owners(fleet_of(*(door(f"d{n}") for n in range(5000))), table(), {}))
    assert identify(known, "zigbee2mqtt/d4999/availability") is not None
    assert identify(known, "a/b/c/d") is None
    assert Counting.asked == 2 + 4
