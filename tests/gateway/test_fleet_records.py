import msgspec

from devices.fleet import Case
from devices.formats import table
from gateway.fleet_records import changes, decode_told, encode_told, fleet_records, key_of
from streams.commands import Command
from streams.frames import BridgeRow, DeviceRow
from tests.gateway.worlds import BRIDGE, FLEET, door, fleet_of, gun

CASE = Case(household="g017/3/1203", from_ms=1000, until_ms=9000, visits=True, wellbeing_call_min=570)


def records(*rows, at_ms=5000):
    return fleet_records(fleet_of(*rows), table(), at_ms)


def told(found):
    return {key_of(record): decode_told(encode_told(record)) for record in found}


def test_a_device_is_told_with_its_place_its_interval_and_its_bridge():
    bridge, row = records(BRIDGE, door())
    assert isinstance(bridge, BridgeRow)
    assert row == DeviceRow(5000, "g017", "door-1", "household", "g017/3/1203", 3600, "z2m-17", "")


def test_the_interval_is_the_rows_else_the_formats():
    own, formats, none = records(door(report_every_s=60), door("b"), gun())
    assert [row.report_every_s for row in (own, formats, none) if isinstance(row, DeviceRow)] == [60, 3600, None]


def test_a_sensor_of_the_pool_is_nobodys():
    [row] = [r for r in fleet_records(FLEET, table(), 1) if isinstance(r, DeviceRow) and r.device == "spare-1"]
    assert (row.grid, row.where, row.place) == ("pool", "pool", "")


def test_a_case_is_a_command_with_the_same_id_at_every_start():
    first, second = records(CASE)[0], records(CASE, at_ms=6000)[0]
    assert isinstance(first, Command)
    assert isinstance(second, Command)
    assert first.id == second.id
    assert (first.name, first.by, first.household, first.grid) == ("open-case", "fleet", "g017/3/1203", "g017")
    assert (first.from_ms, first.until_ms, first.visits, first.wellbeing_call_min) == (1000, 9000, True, 570)


def test_everything_is_new_to_one_who_was_told_nothing():
    assert changes({}, records(BRIDGE, door(), CASE), 5000) == records(BRIDGE, door(), CASE)


def test_a_restart_tells_nothing_again():
    assert changes(told(records(BRIDGE, door(), CASE)), records(BRIDGE, door(), CASE, at_ms=7000), 7000) == []


def test_a_row_that_changed_is_told():
    [row] = changes(told(records(door(), gun())), records(door(report_every_s=60), gun(), at_ms=7000), 7000)
    assert isinstance(row, DeviceRow)
    assert (row.device, row.report_every_s, row.at_ms) == ("door-1", 60, 7000)


def test_a_row_that_is_gone_is_told_once():
    before = told(records(BRIDGE, door(), gun()))
    gone = changes(before, records(gun()), 7000)
    assert [(key_of(r), r.at_ms) for r in gone] == [("bridge z2m-17", 7000), ("device door-1", 7000)]
    assert all(isinstance(r, DeviceRow | BridgeRow) and not r.present for r in gone)
    assert changes(before | told(gone), records(gun()), 8000) == []


def test_a_case_taken_out_before_its_end_is_closed():
    before = told(records(door(), CASE))
    [close] = changes(before, records(door()), 7000)
    assert isinstance(close, Command)
    assert (close.name, close.household, close.by) == ("close-case", "g017/3/1203", "fleet")
    assert changes(before | told([close]), records(door()), 8000) == []


def test_a_case_that_is_over_may_be_taken_out():
    assert changes(told(records(CASE)), [], 9000) == []


def test_a_case_prolonged_is_told_anew():
    longer = msgspec.structs.replace(CASE, until_ms=20_000)
    [record] = changes(told(records(CASE)), records(longer), 7000)
    assert isinstance(record, Command)
    assert (record.name, record.until_ms) == ("open-case", 20_000)
