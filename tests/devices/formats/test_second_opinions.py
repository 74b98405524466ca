"""A second opinion on what messages mean: other people's code writes or reads them, and ours agrees.

Zigbee2MQTT's own converters, Eclipse Tahu's Sparkplug encoder, Home Assistant's BTHome and deCONZ parsers, KPN's SenML.
They are fetched into the cache by `./threshold test --live`; where they are not there, these tests are named as not
run.
"""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.devices.formats.routing import door, known_of, one, take

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
ZIGBEE = "zigbee2mqtt/d"


def told(command: list[str], requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = "\n".join(json.dumps(request) for request in requests)
    answer = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=110)
    assert answer.returncode == 0, answer.stderr[-2000:]
    answers = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(answers) == len(requests)
    return answers


def through_npm(package: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    node, folder = servers.find("node"), servers.cache() / "npm"
    if node is None or not (folder / "node_modules" / package).is_dir():
        raise servers.Missing(f"node with {package} of npm")
    return told([str(node), str(HERE / "through_npm.mjs"), str(folder)], list(requests))


def through_pypi(package: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    folder = servers.cache() / "python"
    if not list(folder.glob(f"lib/python3*/site-packages/{package}")):
        raise servers.Missing(f"{package} of PyPI in an environment of its own")
    return told([str(folder / "bin" / "python"), str(HERE / "through_pypi.py")], list(requests))


def zone(status: int) -> dict[str, Any]:
    """A contact's zone status: bit 0 open, bit 2 tamper, bit 3 battery low."""
    data = {"zonestatus": status, "extendedstatus": 0}
    return {"cluster": "ssIasZone", "type": "commandStatusChangeNotification", "data": data}


@pytest.mark.parametrize(
    ("model", "maker"), [("TS0203", "_TZ3000_26fmupbb"), ("DS01", "eWeLink"), ("TS0203", "_TZ3000_oxslv1c9")]
)
def test_contacts_of_the_alarm_cluster_through_zigbee2mqtts_converters(model, maker):
    statuses = [0, 1, 8, 9, 0]
    request = {"kind": "zigbee", "model": model, "maker": maker, "messages": [zone(status) for status in statuses]}
    (answer,) = through_npm("zigbee-herdsman-converters", request)
    known = known_of(door("zigbee2mqtt", ZIGBEE))
    for status, state in zip(statuses, answer["states"], strict=True):
        reading = one(take(known, ZIGBEE, json.dumps(state).encode()))
        assert (reading.open, reading.battery_low) == (bool(status & 1), bool(status & 8)), (answer["model"], state)


def test_a_tampered_contact_and_its_battery_through_zigbee2mqtts_converters():
    power = {"batteryPercentageRemaining": 34, "batteryVoltage": 24}
    battery = {"cluster": "genPowerCfg", "type": "attributeReport", "data": power}
    request = {"kind": "zigbee", "model": "TS0203", "maker": "_TZ3000_26fmupbb", "messages": [zone(4), battery]}
    (answer,) = through_npm("zigbee-herdsman-converters", request)
    known = known_of(door("zigbee2mqtt", ZIGBEE))
    tampered, low = (one(take(known, ZIGBEE, json.dumps(state).encode())) for state in answer["states"])
    assert (tampered.tamper, tampered.open) == (True, False)
    assert low.battery_percent == answer["states"][1]["battery"]


def test_aqaras_magnet_through_zigbee2mqtts_converters():
    """Its switch is on while the magnet is away."""
    messages = [{"cluster": "genOnOff", "type": "attributeReport", "data": {"onOff": on}} for on in (1, 0)]
    request = {"kind": "zigbee", "model": "lumi.sensor_magnet.aq2", "maker": "LUMI", "messages": messages}
    (answer,) = through_npm("zigbee-herdsman-converters", request)
    known = known_of(door("zigbee2mqtt", ZIGBEE))
    assert [one(take(known, ZIGBEE, json.dumps(s).encode())).open for s in answer["states"]] == [True, False]


def test_sparkplug_payloads_of_eclipse_tahu():
    at_ms = 1_638_223_073_190
    metrics = [
        {"name": "Inputs/Open", "alias": 10, "type": "Boolean", "value": False, "timestamp": at_ms},
        {"name": "Open Count", "alias": 11, "type": "UInt32", "value": 4_000_000_000, "timestamp": at_ms},
        {"name": "Battery", "alias": 12, "type": "Float", "value": 88.5, "timestamp": at_ms},
        {"name": "Chip", "alias": 13, "type": "Int32", "value": -5, "timestamp": at_ms},
        {"name": "Label", "alias": 14, "type": "String", "value": "门", "timestamp": at_ms},
    ]
    birth = {"timestamp": at_ms, "metrics": metrics, "seq": 1}
    moved = [{"alias": 10, "type": "Boolean", "value": True, "timestamp": at_ms + 5000}]
    low = [{"alias": 12, "type": "Double", "value": 12.25}]
    requests = [
        {"kind": "sparkplug", "payload": payload}
        for payload in (birth, {"timestamp": at_ms + 5000, "metrics": moved, "seq": 2},
                        {"timestamp": at_ms + 9000, "metrics": low, "seq": 3})
    ]  # fmt: skip
    known = known_of(door("sparkplug-b", "spBv1.0/G", address="G/E/D"))
    messages = [base64.b64decode(answer["base64"]) for answer in through_npm("sparkplug-payload", *requests)]
    kinds = ("DBIRTH", "DDATA", "DDATA")
    born, opened, weak = (
        one(take(known, f"spBv1.0/G/{kind}/E/D", data)) for kind, data in zip(kinds, messages, strict=True)
    )
    assert (born.open, born.opens_counted, born.battery_percent, born.report) == (False, 4_000_000_000, 88.5, "poweron")
    assert (opened.open, opened.at_ms, opened.report) == (True, at_ms + 5000, "live")
    assert (weak.battery_percent, weak.open) == (12.25, None)


def test_bthome_objects_through_home_assistants_parser():
    """What its parser calls on is what we call open, for each of the objects a contact may be."""
    objects = {"window": 0x2D, "door": 0x1A, "opening": 0x11, "garage_door": 0x1B, "tamper": 0x2B}
    requests = [
        {"kind": "bthome", "hex": f"4400a40164{number:02x}{value:02x}"}
        for number in objects.values()
        for value in (1, 0)
    ]
    answers = iter(through_pypi("bthome_ble", *requests))
    for name, number in objects.items():
        for value in (True, False):
            theirs = next(answers)
            assert (theirs[name], theirs["battery"], theirs["packet_id"]) == (value, 100, 164)
            known = known_of(door("shelly-blu", "gw", address="bthomesensor:200"))
            learnt = {"objects": [{"obj_id": number, "component": "bthomesensor:200"}]}
            take(known, "gw/rpc", json.dumps(learnt).encode())
            said = {"method": "NotifyStatus", "params": {"bthomesensor:200": {"value": value}}}
            ours = one(take(known, "gw/events/rpc", json.dumps(said).encode()))
            assert (ours.tamper if name == "tamper" else ours.open) is theirs[name]


@pytest.mark.parametrize("opened", [True, False])
def test_deconz_sensors_through_home_assistants_library(opened):
    sensor = {
        "config": {"battery": 87, "on": True, "reachable": True},
        "state": {"open": opened, "lowbattery": True, "tampered": not opened, "lastupdated": "2020-11-20T22:48:00.209"},
        "type": "ZHAOpenClose",
        "uniqueid": "00:15:8d:00:02:af:95:f9-01-0006",
    }
    (theirs,) = through_pypi("pydeconz", {"kind": "deconz", "sensor": sensor})
    known = known_of(door("deconz", "deconz", address=theirs["unique_id"]))
    ours = one(take(known, "deconz", json.dumps(sensor).encode()))
    assert (ours.open, ours.tamper, ours.battery_low, ours.battery_percent, ours.online) == (
        theirs["open"],
        theirs["tampered"],
        theirs["low_battery"],
        theirs["battery"],
        theirs["reachable"],
    )


def test_senml_packs_of_kpns_encoder():
    records = [["5500", True], ["5501", 17]]
    request = {"kind": "senml", "base": "/3342/0/", "time": 1_583_900_000, "records": records}
    (answer,) = through_pypi("kpn_senml", request)
    reading = one(take(known_of(door("lwm2m-senml", "l", open_is="1")), "l", answer["json"].encode()))
    assert (reading.open, reading.opens_counted, reading.at_ms) == (True, 17, 1_583_900_000_000)
