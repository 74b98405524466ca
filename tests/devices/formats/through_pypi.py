"""Other people's parsers and encoders, in an environment of their own: a request a line of stdin, an answer a line.

bthome: the service data of a packet through Home Assistant's bthome-ble.  deconz: a sensor through its pydeconz.
senml: records through KPN's encoder, as JSON.
"""

import json
import logging
import sys
from types import SimpleNamespace
from typing import Any


def bthome(request: dict[str, Any]) -> dict[str, Any]:
    from bthome_ble.parser import BTHomeBluetoothDeviceData  # pyright: ignore[reportMissingImports]

    logging.disable(logging.WARNING)
    uuid = "0000fcd2-0000-1000-8000-00805f9b34fb"
    info = SimpleNamespace(
        name="SBDW-002C", address="60:EF:AB:42:E5:9D", rssi=-58, source="", time=1.0, manufacturer_data={},
        manufacturer=None, service_data={uuid: bytes.fromhex(request["hex"])}, service_uuids=[uuid],
    )  # fmt: skip
    update = BTHomeBluetoothDeviceData().update(info)
    found = {**update.entity_values, **update.binary_entity_values}
    return {key.key: value.native_value for key, value in found.items()}


def deconz(request: dict[str, Any]) -> dict[str, Any]:
    from pydeconz.models.sensor.open_close import OpenClose  # pyright: ignore[reportMissingImports]

    sensor = OpenClose("5", request["sensor"])
    names = ("open", "tampered", "low_battery", "battery", "reachable", "unique_id")
    return {name: getattr(sensor, name) for name in names}


def senml(request: dict[str, Any]) -> dict[str, Any]:
    from kpn_senml import SenmlPack, SenmlRecord  # pyright: ignore[reportMissingImports]

    pack = SenmlPack(request["base"])
    pack.base_time = request["time"]
    for name, value in request["records"]:
        pack.add(SenmlRecord(name, value=value))
    return {"json": pack.to_json()}


if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"bthome": bthome, "deconz": deconz, "senml": senml}[request["kind"]](request)), flush=True)
