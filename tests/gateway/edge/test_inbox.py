import pytest

from devices.events import Event
from devices.fleet import Case
from devices.formats import table
from gateway.edge import inbox
from gateway.fleet_records import fleet_records
from gateway.rejects import reject
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader
from streams.frames import SystemReport, encode_inbox
from tests.gateway.worlds import FLEET, fleet_of, intake_of, message

CASE = Case(household="g017/3/1203", from_ms=1, until_ms=9)


def test_what_was_stored_comes_back(tmp_path):
    writer = inbox.open_inbox(tmp_path)
    events = [intake_of().take(message(at_ms=at_ms)).events[0] for at_ms in (1000, 2000)]
    told = fleet_records(fleet_of(*FLEET.devices.values(), CASE), table(), 5)
    writer.append(
        [(0, encode_inbox([events[0], SystemReport(1500, "x", True)])), (0, encode_inbox([events[1]]))],
        [
            inbox.memory_rows({"topic": b"\x80"}),
            inbox.told_rows(told),
            *inbox.binding_rows({"spare-1": "g021/1/101"}),
            inbox.page_cursor_rows({("broker", 0): 17}),
        ],
    )
    writer.close()
    kept = inbox.kept(inbox.open_inbox(tmp_path), 1)
    assert kept.events == events
    assert kept.newest_ms == 2000
    assert kept.memory == {"topic": b"\x80"}
    assert list(kept.told.values()) == told
    assert kept.bindings == {"spare-1": "g021/1/101"}
    assert kept.page_cursors == {("broker", 0): 17}


def test_a_new_box_remembers_nothing(tmp_path):
    kept = inbox.kept(inbox.open_inbox(tmp_path), 1)
    assert (kept.events, kept.newest_ms, kept.memory, kept.told, kept.bindings) == ([], 0, {}, {}, {})


def test_events_of_all_partitions_come_in_the_order_of_time(tmp_path):
    writer = inbox.open_inbox(tmp_path)
    for partition, at_ms in ((0, 1000), (1, 2000), (0, 3000)):
        event = Event(str(at_ms), "d", "g", "household", "g/1/1", at_ms, "door")
        writer.append([(partition, encode_inbox([event]))])
    assert [event.received_ms for event in inbox.kept(writer, 2).events] == [1000, 2000, 3000]


def test_a_sensor_given_back_is_forgotten(tmp_path):
    writer = inbox.open_inbox(tmp_path)
    writer.append([], inbox.binding_rows({"spare-1": "g021/1/101"}))
    writer.append([], inbox.binding_rows({}))
    assert inbox.kept(writer, 1).bindings == {}


def test_rejects_wait_until_they_were_fed_in_with_success(tmp_path):
    writer = inbox.open_inbox(tmp_path)
    records = [reject(message(at_ms=n), "malformed", str(n)) for n in range(4)]
    writer.append([], [inbox.rejects_rows(records)])
    reader = SqliteReader(tmp_path / inbox.FILE, "rejects")
    assert [offset for offset, _ in inbox.rejects_waiting(reader, None, 10)] == [1, 2, 3, 4]
    writer.append([], [inbox.fed_rows({1: "taken", 2: "refused"}, 99)])
    assert [offset for offset, _ in inbox.rejects_waiting(reader, None, 10)] == [2, 3, 4]
    assert [record for _, record in inbox.rejects_waiting(reader, [1, 3, 77], 10)] == [records[2]]
    assert [offset for offset, _ in inbox.rejects_waiting(reader, None, 2)] == [2, 3]
    assert inbox.rejects_waiting(reader, [], 10) == []


def test_two_gateways_do_not_share_a_folder(tmp_path):
    writer = inbox.open_inbox(tmp_path)
    with pytest.raises(LogFull, match="only one may"):
        inbox.open_inbox(tmp_path)
    writer.close()
