import asyncio

from gateway.edge import chores, inbox
from gateway.edge.chores import Chores
from streams.edge.sqlite_log import CURSORS, SqliteReader, SqliteWriter, cursor_at, wall_clock_ms
from streams.frames import SystemReport
from tests.gateway.edge.harness import Inside
from tests.gateway.worlds import message

DAY_MS = 86_400_000


def chores_of(inside: Inside, raw_days: int = 30) -> Chores:
    reader = SqliteReader(inside.folder / inbox.FILE, "rejects")
    loop = asyncio.get_running_loop()
    return Chores(inside.gate, inside.committer, reader, loop=loop, folder=inside.folder, raw_days=raw_days)


async def fill(inside: Inside, frames: int) -> None:
    begin_ms = wall_clock_ms()
    for n in range(frames):
        inside.gate.take(message(at_ms=begin_ms + n))
        inside.gate.take(message("zigbee2mqtt/door-9", b"%d" % n, at_ms=begin_ms + n))
        inside.gate.when_durable(None)
        await inside.durable()


def passed(inside: Inside, file: str, offset: int) -> None:
    writer = SqliteWriter(inside.folder / file, "own", tables=[CURSORS])
    writer.append([], [cursor_at("inbox", 0, offset)])
    writer.close()


async def test_what_is_old_and_was_read_by_all_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(chores, "_AT_ONCE", 2)
    async with Inside(tmp_path) as inside:
        await fill(inside, 7)
        inside.now_ms = wall_clock_ms() + 31 * DAY_MS
        passed(inside, "streams.db", 7)
        passed(inside, "series.db", 5)
        await chores_of(inside).forget()
        assert len(inside.events()) == 2
        assert inside.rejects() == []


async def test_what_is_young_stays(tmp_path):
    async with Inside(tmp_path) as inside:
        await fill(inside, 3)
        inside.now_ms = wall_clock_ms() + 29 * DAY_MS
        passed(inside, "streams.db", 3)
        await chores_of(inside).forget()
        assert len(inside.events()) == 3
        assert len(inside.rejects()) == 3


async def test_nothing_goes_while_nobody_has_read_it(tmp_path):
    async with Inside(tmp_path) as inside:
        await fill(inside, 3)
        inside.now_ms = wall_clock_ms() + 99 * DAY_MS
        await chores_of(inside).forget()
        assert len(inside.events()) == 3


async def test_rejects_are_bounded_in_number(tmp_path, monkeypatch):
    monkeypatch.setattr(chores, "_MOST_REJECTS", 2)
    async with Inside(tmp_path) as inside:
        await fill(inside, 5)
        inside.now_ms = wall_clock_ms() + 1000
        await chores_of(inside).forget()
        assert [reject.payload for reject in inside.rejects()] == [b"3", b"4"]


async def test_a_disk_that_fills_up_is_said_once_and_that_it_has_room_again(tmp_path, monkeypatch):
    async with Inside(tmp_path) as inside:
        mine = chores_of(inside)
        for free in (30.0, 9.9, 9.0, 8.0, 12.0, 40.0):
            monkeypatch.setattr(chores, "free_percent", lambda _folder, free=free: free)
            mine._look_at_disk()
        await inside.durable()
        reports = [record for record in inside.records() if isinstance(record, SystemReport)]
        assert [(r.part, r.well, r.detail[:4]) for r in reports] == [("disk", False, "9.9 "), ("disk", True, "12 %")]
        assert (reports[0].code, reports[0].values) == ("disk-low", {"percent": 9.9})
