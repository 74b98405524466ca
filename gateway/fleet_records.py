"""The fleet as records of `inbox`: what the core is told of devices, bridges and cases, and only what is new to it."""

from collections.abc import Mapping

import msgspec

from devices.fleet import Case, Device, Fleet
from devices.formats import Format
from devices.places import grid_of
from streams.commands import Command
from streams.frames import BridgeRow, DeviceRow

FleetRecord = DeviceRow | BridgeRow | Command
# The grid of sensors in the drawer: nobody's, so that their messages have an order and trouble no one.
POOL_GRID = "pool"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(FleetRecord)


def device_row(fleet: Fleet, formats: Mapping[str, Format], device: Device, at_ms: int) -> DeviceRow:
    """`device` as the core is told of it.  Its report interval is the row's, else that of its format's profile."""
    every_s = device.report_every_s
    if every_s is None and device.where != "checkpoint":
        # A gun is only heard while somebody is there to be measured: it has no interval but the one its row says.
        every_s = formats[device.format].usual_report_s(device)
    return DeviceRow(
        at_ms=at_ms,
        grid=device.grid or POOL_GRID,
        device=device.id,
        where=device.where,
        place="" if device.where == "pool" else device.place,
        report_every_s=every_s,
        bridge=fleet.bridge_of(device),
        site=device.site,
    )


def open_case(case: Case, at_ms: int) -> Command:
    """A case of the fleet file as the command it stands for; its id is the same at every start."""
    return Command(
        id=f"fleet/{case.household}/{case.from_ms}",
        at_ms=at_ms,
        name="open-case",
        grid=grid_of(case.household),
        by="fleet",
        household=case.household,
        from_ms=case.from_ms,
        until_ms=case.until_ms,
        visits=case.visits,
        wellbeing_call_min=case.wellbeing_call_min,
    )


def fleet_records(fleet: Fleet, formats: Mapping[str, Format], at_ms: int) -> list[FleetRecord]:
    """Everything the fleet says, bridges first: devices hang on them, and cases on devices."""
    records: list[FleetRecord] = [
        BridgeRow(at_ms=at_ms, grid=bridge.grid, bridge=bridge.id, report_every_s=bridge.report_every_s)
        for bridge in fleet.bridges.values()
    ]
    records += [device_row(fleet, formats, device, at_ms) for device in fleet.devices.values()]
    records += [open_case(case, at_ms) for case in fleet.cases]
    return records


def key_of(record: FleetRecord) -> str:
    """Under what name the core knows what this record is about."""
    match record:
        case DeviceRow():
            return f"device {record.device}"
        case BridgeRow():
            return f"bridge {record.bridge}"
        case Command():
            return f"case {record.household} {record.from_ms}"


def encode_told(record: FleetRecord) -> bytes:
    """A record as it is remembered to have been told."""
    return _encoder.encode(record)


def decode_told(data: bytes) -> FleetRecord:
    """A record that was told.  Raises msgspec.MsgspecError."""
    return _decoder.decode(data)


def changes(told: Mapping[str, FleetRecord], now: list[FleetRecord], at_ms: int) -> list[FleetRecord]:
    """What of `now` is new or different from what was `told` before, then what is gone."""
    found = [record for record in now if _undated(told.get(key_of(record))) != _undated(record)]
    there = {key_of(record) for record in now}
    for key, record in told.items():
        if key in there:
            continue
        match record:
            case DeviceRow() | BridgeRow():
                if record.present:
                    found.append(msgspec.structs.replace(record, at_ms=at_ms, present=False))
            case Command():
                # A case that is over may be taken out of the file; one that is not was ended by taking it out.
                if record.name == "open-case" and (record.until_ms or 0) > at_ms:
                    found.append(
                        Command(
                            id=f"{record.id}/removed/{at_ms}",
                            at_ms=at_ms,
                            name="close-case",
                            grid=record.grid,
                            by="fleet",
                            household=record.household,
                            from_ms=record.from_ms,
                            reason="taken out of the fleet file",
                        )
                    )
    return found


def _undated(record: FleetRecord | None) -> FleetRecord | None:
    return None if record is None else msgspec.structs.replace(record, at_ms=0)
