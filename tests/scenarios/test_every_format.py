"""The same openings, told by every format in one mixed trace, raise exactly what they raise when told natively."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.replay import main
from devices.formats import table

START = datetime(2020, 2, 16, 0, 0, tzinfo=UTC)
# Minutes after the start, and whether the door is open from then on: one opening alone, one that stays open too long,
# three within half an hour.
DOOR = [(0, False), (60, True), (61, False), (120, True), (131, False), (140, True), (141, False), (145, True),
        (146, False), (148, True), (149, False), (230, False)]  # fmt: skip
# Minutes after the start, and degrees at the forehead: well, and a fever that the second reading confirms.
GUN = [(5, 36.4), (30, 37.6), (31, 37.7)]

Said = tuple[str, bytes | str | dict[str, Any] | list[Any]]
Speaker = Callable[[bool, datetime, int], list[Said]]


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def lds02(is_open: bool, n: int) -> str:
    head = bytes([0x8B if is_open else 0x0B, 0xB8, 1])
    return base64.b64encode(head + n.to_bytes(3, "big") + b"\0\0\0\0").decode()


def metric(name: str, bit: bool) -> bytes:
    data = b"\x0a" + bytes([len(name)]) + name.encode() + b"\x70" + bytes([bit])
    return b"\x12" + bytes([len(data)]) + data


# A row and how its device speaks: whether it is open, when, and how often it has opened.
DOORS: dict[str, tuple[dict[str, str], Speaker]] = {
    "native": (
        {"topic": "threshold/g017/d"},
        lambda o, at, n: [("threshold/g017/d/door", {"state": "open" if o else "closed", "n": n})],
    ),
    "zigbee2mqtt": (
        {"topic": "zigbee2mqtt/d"},
        lambda o, at, n: [("zigbee2mqtt/d", {"contact": not o, "linkquality": 90, "last_seen": iso(at)})],
    ),
    "tasmota": (
        {"topic": "d", "open_is": "OFF"},
        lambda o, at, n: [("stat/d/RESULT", {"Switch1": {"Action": "OFF" if o else "ON"}})],
    ),
    "shelly-gen1": (
        {"topic": "shellies/d"},
        lambda o, at, n: [
            ("shellies/d/sensor/act_reasons", ["sensor"]),
            ("shellies/d/sensor/state", "open" if o else "close"),
        ],
    ),
    "shelly-blu": (
        {"topic": "gw", "address": "bthomesensor:200"},
        lambda o, at, n: [
            ("gw/events/rpc", {"method": "NotifyStatus",
                               "params": {"ts": ms(at) / 1000, "bthomesensor:200": {"value": o}}})
        ],
    ),
    "esphome": (
        {"topic": "esp/binary_sensor/d", "open_is": "ON"},
        lambda o, at, n: [("esp/binary_sensor/d/state", "ON" if o else "OFF")],
    ),
    "homeassistant": (
        {"topic": "ha/d", "open_is": "ON"},
        lambda o, at, n: [("ha/d", {"state": "ON" if o else "OFF"})],
    ),
    "aqara": (
        {"topic": "aqara", "address": "158d00"},
        lambda o, at, n: [
            ("aqara", {"cmd": "report", "model": "magnet", "sid": "158d00",
                       "data": json.dumps({"status": "open" if o else "close"})})
        ],
    ),
    "tuya": (
        {"topic": "tuya/d"},
        lambda o, at, n: [("tuya/d", {"status": [{"code": "doorcontact_state", "value": o, "t": ms(at)}]})],
    ),
    "deconz": (
        {"topic": "deconz", "address": "00:15"},
        lambda o, at, n: [
            ("deconz", {"e": "changed", "r": "sensors", "uniqueid": "00:15",
                        "state": {"open": o, "lastupdated": at.isoformat()[:19]}})
        ],
    ),
    "enocean": (
        {"topic": "enocean/d"},
        lambda o, at, n: [
            ("enocean/d", {"status": "open" if o else "closed", "rssi": -60, "timestamp": iso(at), "since": iso(at)})
        ],
    ),
    "sparkplug-b": (
        {"topic": "spBv1.0/G", "address": "G/E/D"},
        lambda o, at, n: [("spBv1.0/G/DDATA/E/D", metric("Open", o) + b"\x18" + bytes([n * 2 + o & 0x7F]))],
    ),
    "lwm2m-senml": (
        {"topic": "lwm2m/d", "open_is": "1"},
        lambda o, at, n: [
            ("lwm2m/d", [{"bn": "/3342/0/", "bt": ms(at) // 1000, "n": "5500", "vb": o}, {"n": "5501", "v": n}])
        ],
    ),
    "ctwing": (
        {"topic": "ctwing", "address": "c"},
        lambda o, at, n: [
            ("ctwing", {"messageType": "dataReport", "deviceId": "c", "timestamp": ms(at),
                        "payload": {"doorStatus": int(o)}})
        ],
    ),
    "onenet": (
        {"topic": "onenet", "address": "8658"},
        lambda o, at, n: [
            ("onenet", {"msg": {"type": 1, "imei": "8658", "at": ms(at), "ds_id": "3342_0_5500", "value": str(int(o))}})
        ],
    ),
    "chirpstack": (
        {"topic": "application/1", "address": "a84041"},
        lambda o, at, n: [
            ("application/1/device/a84041/event/up", {"deviceInfo": {"devEui": "a84041"}, "fCnt": n * 2 + o,
                                                      "fPort": 10, "time": iso(at), "data": lds02(o, n)})
        ],
    ),
    "ttn": (
        {"topic": "v3/a/devices", "address": "A84041"},
        lambda o, at, n: [
            ("v3/a/devices/d/up", {"end_device_ids": {"dev_eui": "A84041"}, "received_at": iso(at),
                                   "uplink_message": {"f_cnt": n * 2 + o, "f_port": 10, "frm_payload": lds02(o, n)}})
        ],
    ),
}  # fmt: skip

GUNS: dict[str, tuple[dict[str, str], Callable[[float], list[Said]]]] = {
    "native": (
        {"topic": "threshold/g017/g/temperature"},
        lambda celsius: [("threshold/g017/g/temperature", {"celsius": celsius})],
    ),
    "ble-thermometer": (
        {"topic": "threshold/g017/ble/raw"},
        lambda celsius: [("threshold/g017/ble/raw", b"\0" + round(celsius * 10).to_bytes(3, "little") + b"\xff")],
    ),
    "lwm2m-senml": (
        {"topic": "lwm2m/g", "open_is": "1"},
        lambda celsius: [("lwm2m/g", [{"n": "/3303/0/5700", "v": celsius, "u": "Cel"}])],
    ),
    "onenet": (
        {"topic": "onenet", "address": "8659"},
        lambda celsius: [
            ("onenet", {"msg": {"type": 1, "imei": "8659", "ds_id": "3303_0_5700", "value": str(celsius)}})
        ],
    ),
}


def line(at: datetime, said: Said) -> dict[str, Any]:
    topic, payload = said
    what = {"base64": base64.b64encode(payload).decode()} if isinstance(payload, bytes) else {"payload": payload}
    return {"t": iso(at), "topic": topic, **what}


def story(folder: Path, doors: dict[str, tuple[dict[str, str], Speaker]], guns: Any) -> tuple[Path, Path]:
    """A trace and a fleet: each door and each gun lives the same, a second after the one before it."""
    rows, lines = [], []
    for number, (name, (row, speak)) in enumerate(doors.items()):
        household, later = f"g017/3/{number + 1}", timedelta(seconds=number)
        form = row.get("format", name)
        rows.append({"id": f"d{number}", "format": form, "household": household, "report_every_s": 7200, **row})
        opened = 0
        for minutes, is_open in DOOR:
            opened += is_open
            at = START + timedelta(minutes=minutes) + later
            lines += [line(at, said) for said in speak(is_open, at, opened)]
    for number, (name, (row, speak)) in enumerate(guns.items()):
        form = row.get("format", name)
        rows.append(
            {"id": f"g{number}", "format": form, "checkpoint": f"g017/gate-{number}", "site": "forehead", **row}
        )
        for minutes, celsius in GUN:
            at = START + timedelta(minutes=minutes, seconds=number)
            lines += [line(at, said) for said in speak(celsius)]
    fleet = "".join(
        "[[device]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in row.items()) for row in rows
    )
    fleet += "".join(
        f'[[case]]\nhousehold = "{row["household"]}"\nfrom = "{iso(START - timedelta(days=1))}"\n'
        f'until = "{iso(START + timedelta(days=9))}"\n'
        for row in rows
        if "household" in row
    )
    lines.sort(key=lambda item: item["t"])
    (folder / "fleet.toml").write_text(fleet)
    (folder / "trace.jsonl").write_text("".join(json.dumps(item) + "\n" for item in lines))
    return folder / "trace.jsonl", folder / "fleet.toml"


def natively(number: int) -> tuple[dict[str, str], Speaker]:
    topic = f"threshold/g017/n{number}"
    row = {"topic": topic, "format": "native"}
    return row, lambda o, at, n: [(f"{topic}/door", {"state": "open" if o else "closed"})]


def native_gun(number: int) -> tuple[dict[str, str], Callable[[float], list[Said]]]:
    topic = f"threshold/g017/m{number}/temperature"
    return {"topic": topic, "format": "native"}, lambda celsius: [(topic, {"celsius": celsius})]


@pytest.fixture
def decided(tmp_path, capsys):
    """What a story raises: every decision, without the names of devices."""

    def run(name: str, doors: Any, guns: Any) -> list[dict[str, Any]]:
        folder = tmp_path / name
        folder.mkdir()
        trace, fleet = story(folder, doors, guns)
        assert main(trace=trace, fleet=fleet, until="2020-02-16T14:00:00+08:00") == 0, capsys.readouterr().err
        found = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
        for number in range(len(guns)):
            found = json.loads(json.dumps(found).replace(f"/g{number}@", "/gun@"))
        return found

    return run


def test_every_format_is_in_the_story():
    assert set(DOORS) | set(GUNS) == set(table())


def test_a_mixed_trace_raises_what_the_same_openings_raise_natively(decided):
    mixed = decided("mixed", DOORS, GUNS)
    native = decided(
        "native", {f"{n}": natively(n) for n in range(len(DOORS))}, {f"{n}": native_gun(n) for n in range(len(GUNS))}
    )
    assert mixed == native
    raised = [(item["kind"], item["subject"]) for item in mixed if item["decision"] == "raised"]
    doors, guns = len(DOORS), len(GUNS)
    assert {kind for kind, _ in raised} == {"undeclared-opening", "suspect-reading", "fever"}
    assert len({subject for kind, subject in raised if kind == "undeclared-opening"}) == doors
    assert len({subject for kind, subject in raised if kind == "fever"}) == guns
    assert not any(item["decision"] == "rejected" for item in mixed)
    police = {item["subject"] for item in mixed if item["decision"] == "page" and item["role"] == "police"}
    assert len(police) >= doors, "the third opening within half an hour did not climb"
