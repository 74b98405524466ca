import asyncio

import pytest

from devices.events import Message
from gateway.flow import Bounds, Flow
from streams.commands import Command
from streams.frames import DeviceRow, SystemReport
from tests.gateway.edge.harness import WAIT_S, Inside
from tests.gateway.worlds import message


async def test_what_was_taken_is_on_disk_before_it_is_acknowledged(tmp_path):
    async with Inside(tmp_path) as inside:
        seen = []
        inside.gate.take(message())
        inside.gate.when_durable(lambda: seen.append(len(inside.events())))
        inside.gate.count(1, 17)
        await inside.until(lambda: seen)
        assert seen == [1]


async def test_what_comes_while_one_batch_is_written_goes_together_in_the_next(tmp_path):
    async with Inside(tmp_path) as inside:
        for n in range(300):
            inside.gate.take(message(at_ms=n))
            inside.gate.when_durable(None)
            inside.gate.count(1, 17)
            if n % 100 == 0:
                await asyncio.sleep(0)
        await inside.durable()
        assert len(inside.events()) == 300
        assert inside.gate.commits <= 5
        assert inside.gate.taken == 300


async def test_order_is_kept(tmp_path):
    async with Inside(tmp_path) as inside:
        for n in range(50):
            inside.gate.take(message(payload=b'{"contact":false,"battery":%d}' % n, at_ms=n))
            inside.gate.when_durable(None)
            await asyncio.sleep(0)
        await inside.durable()
        assert [event.battery_percent for event in inside.events()] == list(range(50))


async def test_a_duplicate_is_acknowledged_only_when_what_it_repeats_is_on_disk(tmp_path):
    async with Inside(tmp_path) as inside:
        inside.writer.trouble = "the disk is full"
        acknowledged = []
        inside.gate.take(message(packet_id=7))
        inside.gate.when_durable(lambda: acknowledged.append("first"))
        inside.gate.count(1, 17)
        await inside.until(lambda: inside.gate.flow.failing)
        inside.gate.take(message(packet_id=7, redelivered=True))
        inside.gate.when_durable(lambda: acknowledged.append("again"))
        inside.gate.count(1, 17)
        await asyncio.sleep(0.1)
        assert acknowledged == []
        inside.writer.trouble = ""
        await inside.until(lambda: len(acknowledged) == 2)
        assert acknowledged == ["first", "again"]
        assert len(inside.events()) == 1
        assert inside.gate.duplicates == 1


async def test_a_batch_of_duplicates_alone_writes_nothing_and_is_acknowledged(tmp_path):
    async with Inside(tmp_path) as inside:
        inside.gate.take(message(packet_id=7))
        inside.gate.when_durable(None)
        await inside.durable()
        before = inside.gate.newest_offset
        acknowledged = []
        inside.gate.take(message(packet_id=7, redelivered=True))
        inside.gate.when_durable(lambda: acknowledged.append(1))
        await inside.until(lambda: acknowledged)
        assert inside.gate.newest_offset == before


class Source:
    def __init__(self) -> None:
        self.said: list[str] = []

    def pause(self) -> None:
        self.said.append("pause")

    def resume(self) -> None:
        self.said.append("resume")


async def test_a_log_that_cannot_be_written_stops_reading_says_so_and_goes_on_by_itself(tmp_path, capsys):
    async with Inside(tmp_path) as inside:
        source = Source()
        inside.gate.sources.append(source)
        inside.writer.trouble = "the disk is full"
        inside.gate.take(message())
        inside.gate.when_durable(None)
        inside.gate.count(1, 17)
        await inside.until(lambda: inside.gate.flow.failing)
        assert source.said == ["pause"]
        assert inside.gate.trouble == "the disk is full"
        inside.now_ms += 5000
        inside.writer.trouble = ""
        await inside.until(lambda: not inside.gate.flow.failing)
        await inside.durable()
        assert source.said == ["pause", "resume"]
        reports = [record for record in inside.records() if isinstance(record, SystemReport)]
        assert [(r.part, r.well) for r in reports] == [("inbox", False), ("inbox", True)]
        assert reports[0].detail == "inbox could not be written for 5 s: the disk is full"
        said = capsys.readouterr().err
        assert said.count("inbox cannot be written") == 1
        assert said.count("inbox is written again") == 1


async def test_reading_stops_while_too_much_waits(tmp_path):
    async with Inside(tmp_path, flow=Flow(Bounds(messages=10))) as inside:
        source = Source()
        inside.gate.sources.append(source)
        for n in range(10):
            inside.gate.take(message(at_ms=n))
        inside.gate.when_durable(None)
        inside.gate.count(10, 170)
        assert source.said == ["pause"]
        await inside.until(lambda: "resume" in source.said)
        assert inside.gate.flow.messages == 0


async def test_a_message_that_a_fault_of_ours_cannot_stand_is_put_aside_and_the_next_goes_on(tmp_path, monkeypatch):
    async with Inside(tmp_path) as inside:
        take = inside.gate.intake.take

        def faulty(found: Message):
            if found.payload == b"poison":
                raise KeyError("a fault")
            return take(found)

        monkeypatch.setattr(inside.gate.intake, "take", faulty)
        inside.gate.take(message(payload=b"poison"))
        inside.gate.take(message())
        inside.gate.when_durable(None)
        await inside.durable()
        [kept] = inside.rejects()
        assert (kept.reason, kept.payload) == ("malformed", b"poison")
        assert "KeyError" in kept.detail
        assert len(inside.events()) == 1
        assert inside.gate.faults == 1


async def test_a_case_opened_with_a_sensor_of_the_pool_outlives_a_restart(tmp_path):
    command = Command("c", 2000, "open-case", "g021", household="g021/1/101", device="spare-1", from_ms=0, until_ms=9)
    async with Inside(tmp_path) as inside:
        written = asyncio.Event()
        inside.gate.command(command, written.set)
        await asyncio.wait_for(written.wait(), WAIT_S)
        assert [type(record) for record in inside.records()] == [DeviceRow, DeviceRow, Command]
    async with Inside(tmp_path) as inside:
        inside.gate.take(message("zigbee2mqtt/spare-1", at_ms=9000))
        inside.gate.when_durable(None)
        await inside.durable()
        assert [event.place for event in inside.events()] == ["g021/1/101"]


async def test_a_message_sent_again_after_a_restart_is_a_duplicate(tmp_path):
    async with Inside(tmp_path) as inside:
        inside.gate.take(message(packet_id=7))
        inside.gate.when_durable(None)
    async with Inside(tmp_path) as inside:
        inside.gate.take(message(packet_id=7, redelivered=True, at_ms=1100))
        inside.gate.when_durable(None)
        await inside.durable()
        assert len(inside.events()) == 1
        assert inside.gate.duplicates == 1


@pytest.mark.parametrize("grids", [("g001", "g002", "g003", "g017")])
async def test_partitions_are_by_grid(tmp_path, grids):
    from devices.ids import partition_of
    from gateway.edge.gate import Gate
    from streams.edge.sqlite_log import SqliteReader
    from streams.frames import decode_inbox

    async with Inside(tmp_path) as inside:
        gate = Gate(inside.gate.intake, loop=asyncio.get_running_loop(), now_ms=lambda: 1, partitions=4)
        gate.attach(inside.committer)
        gate.add([SystemReport(1, "x", True, "", grid) for grid in grids])
        await asyncio.sleep(0)
        await gate.drained()
        reader = SqliteReader(tmp_path / "inbox.db", "inbox")
        for grid in grids:
            frames = reader.read(partition_of(grid, 4), 0)
            assert grid in [record.grid for _, frame in frames for record in decode_inbox(frame)]
        reader.close()


async def test_a_gateway_with_a_name_reports_parts_of_its_own(tmp_path):
    async with Inside(tmp_path) as inside:
        inside.gate.report("broker", False, "away")
        inside.gate._name = "north"
        inside.gate.report("broker", False, "away")
        await inside.durable()
        parts = [record.part for record in inside.records() if isinstance(record, SystemReport)]
        assert parts == ["broker", "broker-north"]
