"""One table of cases through both ways in: directly or through a broker, the events and the rejects are the same."""

import time
from typing import NamedTuple

import paho.mqtt.client as paho

from devices.events import Event
from tests.gateway.running import Gateway
from tests.gateway.worlds import SECRET
from tests.waiting import wait_until

PROBE = "door-0"  # which no case is about
BROKER = '[gateway.broker]\nhost = "127.0.0.1"\nport = {port}\n'


class Case(NamedTuple):
    name: str
    topic: str
    payload: bytes
    client: str = "door-1"
    qos: int = 1


CASES = [
    Case("a door opens", "zigbee2mqtt/door-1", b'{"contact":false,"battery":97,"linkquality":120}'),
    Case("a door closes", "zigbee2mqtt/door-1", b'{"contact":true,"last_seen":"2024-04-08T21:21:36.794Z"}'),
    Case("without acknowledgement", "zigbee2mqtt/door-1", b'{"contact":true}', qos=0),
    Case("a sub-topic", "zigbee2mqtt/door-1/availability", b"offline"),
    Case("a low battery and a hand on it", "zigbee2mqtt/door-2", b'{"tamper":true,"battery_low":true}', "door-2"),
    Case("a temperature", "threshold/g017/gun-1/temperature", b'{"celsius":36.6,"pass":"A-1","seq":1}', "gun-1"),
    Case("a temperature no body has", "threshold/g017/gun-1/temperature", b'{"celsius":20.5,"seq":2}', "gun-1"),
    Case(
        "the same number again", "threshold/g017/gun-1/temperature", b'{"celsius":36.6,"pass":"A-1","seq":1}', "gun-1"
    ),
    Case("a heartbeat beside it", "threshold/g017/gun-1/heartbeat", b"{}", "gun-1"),
    Case("a last will's topic", "threshold/g017/gun-1/status", b"offline", "gun-1"),
    Case("the bridge speaks of itself", "zigbee2mqtt/bridge/state", b'{"state":"offline"}', "z2m-17"),
    Case("the bridge chatters", "zigbee2mqtt/bridge/logging", b'{"level":"info"}', "z2m-17"),
    Case("the bridge speaks for a door", "zigbee2mqtt/door-1", b'{"contact":false}', "z2m-17"),
    Case("a sensor nobody wrote down", "zigbee2mqtt/door-9", b'{"contact":false}', "z2m-17"),
    Case("no JSON", "zigbee2mqtt/door-1", b'{"contact":'),
    Case("a wrong type", "zigbee2mqtt/door-1", b'{"contact":"ajar"}'),
    Case("not a number", "threshold/g017/gun-1/temperature", b'{"celsius":NaN}', "gun-1"),
    Case("beyond every number", "threshold/g017/gun-1/temperature", b'{"celsius":1e999}', "gun-1"),
    Case("deep nesting", "zigbee2mqtt/door-1", b'{"contact":' + b"[" * 20_000),
    Case("no text at all", "zigbee2mqtt/door-1", bytes(range(256))),
    Case("nothing", "zigbee2mqtt/door-1", b""),
    Case("a sub-topic of nobody", "zigbee2mqtt/door-1/nonsense", b"1"),
    Case("the largest", "zigbee2mqtt/door-1", b'{"contact":false}'.ljust(65_000)),
    Case("a year long gone", "threshold/g017/gun-1/heartbeat", b'{"at":0}', "gun-1"),
    Case("a year to come", "threshold/g017/gun-1/heartbeat", b'{"at":"2099-01-01T00:00:00Z"}', "gun-1"),
]


def published(port: int, direct: bool) -> None:
    clients: dict[str, paho.Client] = {}
    for case in CASES:
        if case.client not in clients:
            client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=case.client if direct else "")
            if direct:
                # The bridge too: by a password of its own it speaks for the sensors behind it.
                client.username_pw_set(case.client, SECRET)
            client.connect("127.0.0.1", port)
            client.loop_start()
            wait_until(client.is_connected)
            clients[case.client] = client
        sent = clients[case.client].publish(case.topic, case.payload, qos=case.qos)
        sent.wait_for_publish(60)
        assert sent.is_published(), case.name
        if case.qos == 0:
            time.sleep(0.1)  # nobody says when it has come: the order with the next one must hold all the same
    for client in clients.values():
        client.disconnect()
        client.loop_stop()


def told(event: Event) -> tuple:
    """An event without when and by which way it came."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    for name in ("received_ms", "redelivered"):
        del fields[name]
    if not event.has_cause:
        del fields["id"]
    return tuple(sorted(fields.items(), key=lambda item: item[0]))


def probed(gateway: Gateway, port: int, direct: bool, number: int) -> None:
    """Return when a word of a door that no case is about stands in `inbox`, and so all that was said before it."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=PROBE if direct else "")
    client.username_pw_set(PROBE, SECRET)
    client.connect("127.0.0.1", port)
    client.loop_start()

    def is_there() -> bool:
        # Again and again: a gateway that is connected to a broker may not have subscribed yet.
        client.publish(f"zigbee2mqtt/{PROBE}", b'{"contact":true,"battery":%d}' % number, qos=1).wait_for_publish(60)
        return any(event.battery_percent == number for event in gateway.events("door") if event.device == PROBE)

    wait_until(is_there, 60, "a word")
    client.disconnect()
    client.loop_stop()


def what_came(gateway: Gateway) -> tuple[list[tuple], list[tuple]]:
    # "Online" is said by a direct connection alone; no case says it.
    events = [
        told(event) for event in gateway.events(*EVERY_KIND) if event.online is not True and event.device != PROBE
    ]
    rejects = [(record.reason, record.topic, record.payload, record.device) for record in gateway.rejects()]
    return events, rejects


EVERY_KIND = ("door", "temperature", "heartbeat", "battery", "tamper", "availability", "button")


def test_both_ways_give_the_same(tmp_path, mosquitto):
    found = {}
    for way in ("direct", "broker"):
        gateway = Gateway(
            tmp_path / way,
            settings="rate_per_device_s = 1000",
            more=BROKER.format(port=mosquitto.port) if way == "broker" else "",
            direct=way == "direct",
        )
        gateway.start()
        try:
            direct, port = way == "direct", gateway.port if way == "direct" else mosquitto.port
            probed(gateway, port, direct, 1)
            published(port, direct)
            probed(gateway, port, direct, 2)
            found[way] = what_came(gateway)
        finally:
            gateway.stop()
    events, rejects = found["direct"]
    assert events == found["broker"][0]
    assert rejects == found["broker"][1]
    assert [reason for reason, *_ in rejects] == [
        "implausible",
        "unknown-device",
        *["malformed"] * 7,
        "unknown-topic",
    ]
    # Not an event: the number said again, the bridge's chatter so soon after its word, and the rejects but one (a
    # temperature no body has is answered on the guard's screen).
    assert len(events) == len(CASES) - 2 - (len(rejects) - 1)
