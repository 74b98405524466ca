"""Who may do what: the whole matrix of kind, operation and topic, written as a table that can be read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt.access import (
    ROWS,
    Allowed,
    Denied,
    Principal,
    allowed,
    foreign_topics,
    is_filter,
    matches,
    may_connect,
)
from gateway.mqtt.reasons import Reason

CLIENTS = {
    "a Zigbee door": Principal(name="door-0307", kind="device", grid="g017", own=("zigbee2mqtt/door-0307",)),
    "a Tasmota door": Principal(name="tas-1", kind="device", grid="g017", own=("stat/tas-1", "tele/tas-1")),
    "a gun": Principal(name="gun-1", kind="device", grid="g017", own=("threshold/g017/gun-1",)),
    "a hall with a door below": Principal(
        name="hall", kind="device", grid="g017", own=("house/hall",), foreign=("house/hall/door",)
    ),
    "a bridge": Principal(
        name="z2m-17", kind="bridge", grid="g017", own=("zigbee2mqtt/bridge",), behind="zigbee2mqtt/"
    ),
    "a bridge of a bridge": Principal(
        name="hall-b", kind="bridge", grid="g017", own=("hall/bridge",), behind="hall/", beyond=("hall/up/",)
    ),
    "a platform": Principal(name="onenet-1", kind="platform", grid="", own=("push/onenet",)),
    "a siren": Principal(name="siren-1", kind="subscriber", grid="g017", roles=("worker", "police")),
}

# Who · what · where. Everything that is not here is denied.
GRANTED = {
    ("a Zigbee door", "publish", "zigbee2mqtt/door-0307"),
    ("a Zigbee door", "publish", "zigbee2mqtt/door-0307/availability"),
    ("a Zigbee door", "will", "zigbee2mqtt/door-0307"),
    ("a Zigbee door", "will", "zigbee2mqtt/door-0307/availability"),
    ("a Zigbee door", "subscribe", "threshold/g017/door-0307/down"),
    ("a Tasmota door", "publish", "stat/tas-1/RESULT"),
    ("a Tasmota door", "publish", "tele/tas-1/LWT"),
    ("a Tasmota door", "will", "stat/tas-1/RESULT"),
    ("a Tasmota door", "will", "tele/tas-1/LWT"),
    ("a gun", "publish", "threshold/g017/gun-1/temperature"),
    ("a gun", "publish", "threshold/g017/gun-1/status"),
    ("a gun", "publish", "threshold/g017/gun-1/down"),
    ("a gun", "will", "threshold/g017/gun-1/temperature"),
    ("a gun", "will", "threshold/g017/gun-1/status"),
    ("a gun", "will", "threshold/g017/gun-1/down"),
    ("a gun", "subscribe", "threshold/g017/gun-1/down"),
    ("a hall with a door below", "publish", "house/hall"),
    ("a hall with a door below", "publish", "house/hall/doormat"),
    ("a hall with a door below", "will", "house/hall"),
    ("a hall with a door below", "will", "house/hall/doormat"),
    ("a bridge", "publish", "zigbee2mqtt/bridge/state"),
    ("a bridge", "publish", "zigbee2mqtt/door-0307"),
    ("a bridge", "publish", "zigbee2mqtt/door-0307/availability"),
    ("a bridge", "publish", "zigbee2mqtt/door-0308"),
    ("a bridge", "publish", "zigbee2mqtt/door-03071"),
    ("a bridge", "will", "zigbee2mqtt/bridge/state"),
    ("a bridge", "subscribe", "threshold/g017/z2m-17/down"),
    ("a bridge of a bridge", "publish", "hall/bridge/state"),
    ("a bridge of a bridge", "publish", "hall/door-1"),
    ("a bridge of a bridge", "publish", "hall/upstairs"),
    ("a bridge of a bridge", "will", "hall/bridge/state"),
    ("a bridge of a bridge", "subscribe", "threshold/g017/hall-b/down"),
    ("a platform", "publish", "push/onenet"),
    ("a platform", "publish", "push/onenet/event/up"),
    ("a siren", "subscribe", "threshold/pages/g017/worker"),
    ("a siren", "subscribe", "threshold/pages/g017/police"),
}
TOPICS = sorted(
    {topic for _, _, topic in GRANTED}
    | {
        "house/hall/door",
        "hall/up/door-2",
        "hall/up/bridge/state",
        "hall",
        "push",
        "push/onenet-2",
        "push/ctwing",
        "threshold/onenet-1/down",
        "threshold//onenet-1/down",
        "house/hall/door/battery",
        "zigbee2mqtt",
        "zigbee2mqtt/door-03071",
        "Zigbee2mqtt/door-0307",
        "/zigbee2mqtt/door-0307",
        "stat/tas-10/RESULT",
        "cmnd/tas-1/POWER",
        "threshold/g018/gun-1/down",
        "threshold/g017/gun-2/down",
        "threshold/g017/gun-10/down",
        "threshold/pages/g017/doctor",
        "threshold/pages/g018/worker",
        "threshold/pages/g017",
        "threshold/pages/g017/worker/x",
        "$SYS/broker/uptime",
        "$CONTROL/dynamic-security/v1",
        "$share/g/threshold/pages/g017/worker",
        "#",
        "+",
        "+/+",
        "threshold/#",
        "threshold/pages/g017/+",
        "threshold/pages/+/worker",
        "zigbee2mqtt/door-0307/#",
        "zigbee2mqtt/door-0307/+",
        "",
        "/",
    }
)


@pytest.mark.parametrize("operation", ["publish", "will", "subscribe"])
@pytest.mark.parametrize("who", CLIENTS)
def test_the_whole_matrix(who, operation):
    for topic in TOPICS:
        verdict = allowed(CLIENTS[who], operation, topic)
        assert isinstance(verdict, Allowed) == ((who, operation, topic) in GRANTED), (topic, verdict)
        if isinstance(verdict, Allowed):
            assert verdict.sentence.endswith(".")


@pytest.mark.parametrize(
    ("operation", "topic", "reason", "code"),
    [
        ("publish", "zigbee2mqtt/door-0308", "not-yours", Reason.NOT_AUTHORISED),
        ("publish", "$SYS/x", "system-topic", Reason.NOT_AUTHORISED),
        ("publish", "a/+", "wildcard", Reason.TOPIC_NAME_INVALID),
        ("subscribe", "#", "wildcard", Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("subscribe", "a/#/b", "not-a-filter", Reason.TOPIC_FILTER_INVALID),
        ("subscribe", "$share/g/a", "shared", Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("subscribe", "$SYS/x", "system-topic", Reason.NOT_AUTHORISED),
        ("subscribe", "zigbee2mqtt/door-0307", "not-yours", Reason.NOT_AUTHORISED),
    ],
)
def test_a_denial_says_why(operation, topic, reason, code):
    assert allowed(CLIENTS["a Zigbee door"], operation, topic) == Denied(reason, code)


def test_every_row_is_used_by_the_matrix():
    told = {allowed(CLIENTS[who], operation, topic) for who, operation, topic in GRANTED}
    assert {verdict.sentence for verdict in told if isinstance(verdict, Allowed)} == {row.sentence for row in ROWS}


def test_a_client_without_topics_or_roles_may_nothing_by_their_absence():
    empty = Principal(name="x", kind="bridge", grid="g")
    assert isinstance(allowed(empty, "publish", "anything"), Denied)
    assert isinstance(
        allowed(Principal(name="x", kind="subscriber", grid="g"), "subscribe", "threshold/pages/g/"), Denied
    )


@pytest.mark.parametrize(
    ("client_id", "username", "certificate_name", "verdict"),
    [
        ("door-1", "door-1", None, None),
        ("door-1", "door-1", "door-1", None),
        ("door-1", None, "door-1", None),
        ("门磁-1", "门磁-1", None, None),
        ("door-1", None, None, "not-your-name"),
        ("door-1", "door-2", None, "not-your-name"),
        ("door-1", "door-1", "door-2", "not-your-name"),
        ("door-1", "door-2", "door-1", "not-your-name"),
        ("door-1", None, "door-2", "not-your-name"),
        ("", "", None, "bad-name"),
        ("door-1", "", None, "bad-name"),
        ("+", "+", None, "bad-name"),
        ("door-#", "door-#", None, "bad-name"),
        ("door-1", "door-1+", None, "bad-name"),
        ("a/b", "a/b", None, "bad-name"),
        ("$SYS", "$SYS", None, "bad-name"),
        ("door-1\n", "door-1\n", None, "bad-name"),
        ("door-1\u200b", "door-1\u200b", None, "bad-name"),
    ],
)
def test_under_which_names_a_client_may_come(client_id, username, certificate_name, verdict):
    told = may_connect(client_id, username, certificate_name)
    assert (told.reason if isinstance(told, Denied) else None) == verdict


# Section 4.7 of the standards, its own examples and the borders.
@pytest.mark.parametrize(
    ("topic_filter", "topic", "does"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/tennis/player1/#", "sport/tennis/player10", False),
        ("sport/#", "sport", True),
        ("#", "a/b/c", True),
        ("#", "/", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+", "sport", True),
        ("+", "/finance", False),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+/+/#", "a", False),
        ("+/tennis/#", "sport/tennis/x", True),
        ("a/+/c", "a//c", True),
        ("a/b", "a/b/", False),
        ("a/b/", "a/b", False),
        ("A", "a", False),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("$SYS/+", "$SYS/x", True),
        ("a/$x", "a/$x", True),
        ("+/$x", "a/$x", True),
    ],
)
def test_filters_match_as_the_standard_says(topic_filter, topic, does):
    assert is_filter(topic_filter)
    assert matches(topic_filter, topic) is does


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sport/tennis#",
        "sport/#/ranking",
        "#/a",
        "sport+",
        "a/+b",
        "a/b+/c",
        "##",
        "++",
        "a\0b",
        "$share/a",
        "$share//a",
        "$share/+/a",
    ],
)
def test_what_is_no_filter(text):
    assert not is_filter(text)


levels = st.lists(st.sampled_from(["", "a", "b", "$s"]), min_size=1, max_size=4).map("/".join)


@settings(max_examples=200, deadline=None)
@given(topic=levels)
def test_a_filter_without_wildcards_matches_itself_alone(topic):
    assert matches(topic, topic)
    assert not matches(topic + "/x", topic)
    assert matches("#", topic) is not topic.startswith("$")
    assert matches(topic + "/#", topic)


def test_a_topic_below_ones_own_belongs_to_whoever_the_fleet_gives_it():
    own = {
        "hall": ["house/hall"],
        "door": ["house/hall/door"],
        "window": ["house/hall/window", "house/hall-2"],
        "twin": ["house/hall"],
        "tas": ["stat/tas", "tele/tas"],
    }
    assert foreign_topics(own) == {
        "hall": ("house/hall/door", "house/hall/window"),
        "door": (),
        "window": (),
        "twin": ("house/hall/door", "house/hall/window"),
        "tas": (),
    }


def test_a_longer_topic_of_ones_own_wins_back():
    mixed = Principal(name="m", kind="device", grid="g", own=("a", "a/b/c"), foreign=("a/b",))
    said = {topic: isinstance(allowed(mixed, "publish", topic), Allowed) for topic in ("a", "a/x", "a/b/x", "a/b/c/x")}
    assert said == {"a": True, "a/x": True, "a/b/x": False, "a/b/c/x": True}
