"""What a site's logs become when another number of partitions takes them over."""

import msgspec
import pytest

from devices.ids import partition_of
from streams.frames import NewerFrame, decode_inbox, decode_outbox, encode_inbox, encode_outbox
from streams.moving import Reached, grid_of_record, inbox_dealt, outbox_dealt, together
from streams.state import Book, BridgeState, Building, Sensor
from tests.streams.edge.boxes import expected
from tests.streams.edge.scripts import script

PARTITIONS = 3


def test_every_record_comes_to_its_grids_partition_in_its_order():
    records = script(1, 300)
    dealt = inbox_dealt(encode_inbox(records), PARTITIONS, 0)
    assert len(dealt) == len({partition for partition, _ in dealt}) > 1
    for partition, frame in dealt:
        wanted = [record for record in records if partition_of(record.grid, PARTITIONS) == partition]
        assert decode_inbox(frame) == wanted


def test_decisions_likewise():
    effects, _ = expected(script(1, 300))
    for partition, frame in outbox_dealt(encode_outbox(effects), PARTITIONS, 0):
        wanted = [effect for effect in effects if partition_of(effect.grid, PARTITIONS) == partition]
        assert decode_outbox(frame) == wanted


def test_a_frame_of_one_grid_stays_byte_for_byte():
    records = [record for record in script(1, 50) if record.grid == "g1"]
    frame = encode_inbox(records)
    assert inbox_dealt(frame, PARTITIONS, 0) == [(partition_of("g1", PARTITIONS), frame)]


def test_a_frame_that_does_not_decode_stays_whole_and_a_newer_one_stops_it():
    assert inbox_dealt(b"\x00broken", PARTITIONS, 7) == [(7 % PARTITIONS, b"\x00broken")]
    with pytest.raises(NewerFrame):
        inbox_dealt(msgspec.msgpack.encode([2, ["what is this"]]), PARTITIONS, 0)


def test_where_a_record_belongs():
    assert grid_of_record(Building("g017/3")) == "g017"
    assert grid_of_record(Sensor("door-1", "g017", "household", "g017/3/1", 0)) == "g017"
    assert grid_of_record(Book("system/clock", "system", "system")) == "system"


def test_a_reader_goes_on_after_the_last_frame_it_had_read():
    reached = Reached({0: 3}, 2)
    # Frames 1 to 5 of one old partition become frames of two: 1 → a, 2 → a and b, 3 → b, 4 → a, 5 → a and b.
    for offset, partition in ((1, 0), (2, 0), (2, 1), (3, 1), (4, 0), (5, 0), (5, 1)):
        reached.dealt(0, offset, partition)
    assert reached.places == {0: 2, 1: 2}


def test_a_reader_that_is_behind_in_one_old_partition_reads_again_rather_than_not_at_all():
    reached = Reached({0: 9, 1: 0}, 1)
    for old, offset in ((0, 1), (1, 2), (0, 3)):
        reached.dealt(old, offset, 0)
    assert reached.places == {0: 1}


def test_a_reader_that_never_read_begins_at_the_beginning():
    reached = Reached({}, 1)
    reached.dealt(0, 1, 0)
    assert reached.places == {0: 0}


def test_what_two_partitions_knew_is_one_where_it_is_at_home():
    stub = BridgeState("b1", "g2", devices=("d2", "d1"), known_ms=1)
    whole = BridgeState("b1", "g1", devices=("d1",), report_every_s=60.0, heard_ms=9, down=True)
    for one, other in ((stub, whole), (whole, stub)):
        kept = together(one, other, "g1")
        assert isinstance(kept, BridgeState)
        assert (kept.grid, kept.report_every_s, kept.down, sorted(kept.devices)) == ("g1", 60.0, True, ["d1", "d2"])
    here, left = Sensor("d1", "g1", "household", "g1/1/1", 5), Sensor("d1", "g2", "household", "g2/1/1", 5)
    assert together(left, here, "g1") == together(here, left, "g1") == here
    # Where the fleet says nothing, the first.
    assert together(left, here, "") == left
