"""The local runtime over real files: in order, durable, with the time passing, and past what is broken."""

import time
from threading import Thread

import msgspec
import pytest

from devices.events import Event
from streams.edge import local
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.live_clock import LiveClock
from streams.edge.local import GRACE_MS
from streams.edge.log import LogFull
from streams.edge.reporter import Teller, Word
from streams.edge.sqlite_log import SqliteWriter
from streams.effects import Decision
from streams.frames import VERSION, NewerFrame, encode_inbox
from tests.streams.edge.boxes import Box, expected, in_frames
from tests.streams.edge.scripts import MINUTE_MS, T0_MS, asked, door, fleet, household, script
from tests.waiting import wait_until


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path)
    yield made
    made.close()


class Clock:
    """A wall clock that a test sets."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def live(self) -> LiveClock:
        return LiveClock(wall_ms=lambda: self.now_ms, passing_s=lambda: 0.0)


def pages(box: Box) -> list[tuple[int, str, str]]:
    return [(e.t_ms, e.role, e.kind) for e in box.decided() if isinstance(e, Decision) and e.decision == "page"]


def test_it_decides_and_remembers_what_the_engine_does(box):
    records = script(1, 400)
    box.put(*in_frames(records))
    box.take_in()
    effects, remembered = expected(records)
    assert box.decided() == effects
    assert box.remembered() == remembered
    assert box.ask("SELECT log, partition, offset FROM cursors") == [("inbox", 0, len(in_frames(records)))]
    ((events, decisions, paged),) = box.ask("SELECT events, decisions, pages FROM status")
    assert events == len(records)
    assert decisions == sum(isinstance(effect, Decision) for effect in effects)
    assert paged == len(pages(box))


def test_a_restart_after_every_frame_changes_nothing(box):
    records = script(2, 150)
    for frame in in_frames(records):
        box.put(frame)
        box.take_in()
    effects, remembered = expected(records)
    assert box.decided() == effects
    assert box.remembered() == remembered


def test_a_restart_alone_decides_nothing(box):
    box.put(*in_frames(script(3, 100)))
    box.take_in()
    before = box.decided(), box.remembered()
    for _ in range(3):
        box.take_in()
    assert (box.decided(), box.remembered()) == before


def test_the_ladder_climbs_when_its_time_comes(box):
    clock = Clock(T0_MS + 1000)
    box.put(fleet(2), [door(1, T0_MS + 500, False, 1), door(1, T0_MS + 1000, True, 2)])
    runtime = box.start(clock.live())
    box.drain()
    assert pages(box) == [(T0_MS + 1000, "worker", "undeclared-opening")]
    five_ms = T0_MS + 1000 + 5 * MINUTE_MS
    clock.now_ms = five_ms + GRACE_MS - 1
    wait_s = runtime.turn()
    assert wait_s == pytest.approx(0.001)
    assert len(pages(box)) == 1
    clock.now_ms += 1
    box.drain()
    assert [page for page in pages(box) if page[2] == "undeclared-opening"][1:] == [
        (five_ms, "police", "undeclared-opening"),
        (five_ms, "doctor", "undeclared-opening"),
    ]


def test_what_came_before_a_timer_counts_though_its_commit_came_after(box):
    clock = Clock(T0_MS + 1000)
    box.put(fleet(2), [door(1, T0_MS + 500, False, 1), door(1, T0_MS + 1000, True, 2)])
    box.start(clock.live())
    box.drain()
    five_ms = T0_MS + 1000 + 5 * MINUTE_MS
    clock.now_ms = five_ms + GRACE_MS - 10
    box.drain()
    about = {"subject": household(1), "kind": "undeclared-opening", "by": "w1", "role": "worker"}
    box.put([asked("acknowledge", 1, five_ms - 5, 3, **about)])
    box.drain()
    clock.now_ms = five_ms + 10 * MINUTE_MS
    box.drain()
    assert "police" not in [role for _, role, kind in pages(box) if kind == "undeclared-opening"]


def test_what_fell_due_while_it_was_down_goes_out_at_once(box):
    box.put(fleet(2), [door(1, T0_MS + 500, False, 1), door(1, T0_MS + 1000, True, 2)])
    box.take_in()
    box.start(Clock(T0_MS + 60 * MINUTE_MS).live())
    box.drain()
    assert (T0_MS + 1000 + 5 * MINUTE_MS, "police", "undeclared-opening") in pages(box)


def test_a_ring_brings_a_page_at_once_and_rings_on(box, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "_LOOK_S", 600.0)  # whoever waits for a look is found out
    now_ms = time.time_ns() // 1_000_000
    box.put(fleet(2, now_ms - 2000), [door(1, now_ms - 1000, False, 1)])
    runtime = box.start(LiveClock())
    rung = Doorbell(tmp_path / "bell", "test", ("outbox",))
    bell = Bell(tmp_path / "bell", "inbox")
    thread = Thread(target=runtime.run)
    thread.start()
    try:
        wait_until(lambda: box.ask("SELECT events FROM status") == [(len(fleet(2)) + 1,)])
        time.sleep(1.1)  # a bell looks for new readers once a second
        rung.drain()
        box.put([door(1, time.time_ns() // 1_000_000, True, 2)])
        bell.ring()
        assert rung.wait(60)
        assert [role for _, role, _ in pages(box)] == ["worker"]
    finally:
        runtime.stop()
        bell.ring()
        thread.join()
        bell.close()
        rung.close()


def test_bytes_that_are_no_frame_are_kept_aside_and_the_next_frame_is_taken_in(box, capsys):
    records = script(4, 60)
    frames = in_frames(records)
    box.put(*frames[:3])
    box.put_raw(b"\xc1 no frame")
    box.put(*frames[3:])
    box.take_in()
    assert box.decided() == expected(records)[0]
    assert box.ask("SELECT sort, data, resolved_ms FROM quarantine") == [("frame", b"\xc1 no frame", None)]
    assert "PUT ASIDE frame" in capsys.readouterr().err


# An id that no gateway makes: reading it back as hexadecimal raises in the middle of a step.
POISON = Event("no hex", "door-1", "g2", "household", household(1), T0_MS + 700, "door", has_cause=True, open=True)


def test_a_record_that_raises_is_kept_aside_with_its_bytes_and_nobody_else_suffers(box, capsys):
    records = script(5, 60)
    at = next(n for n, r in enumerate(records) if isinstance(r, Event) and r.received_ms > T0_MS + 10 * MINUTE_MS)
    poison = msgspec.structs.replace(POISON, received_ms=records[at].received_ms)
    box.put(*in_frames([*records[:at], poison, *records[at:]]))
    box.take_in()
    assert box.decided() == expected(records)[0]
    ((sort, data, why),) = box.ask("SELECT sort, data, why FROM quarantine")
    assert (sort, data) == ("record", encode_inbox([poison]))
    assert "ValueError: non-hexadecimal number" in why
    assert "PUT ASIDE record" in capsys.readouterr().err
    assert box.ask("SELECT put_aside FROM status") == [(1,)]


def test_what_was_put_aside_is_tried_at_each_start_and_stays_while_it_raises(box):
    box.put(fleet(2), [POISON])
    for _ in range(3):
        box.take_in()
    assert len(box.ask("SELECT * FROM quarantine WHERE resolved_ms IS NULL")) == 1
    assert len(box.ask("SELECT * FROM quarantine")) == 1


def test_what_a_mended_program_understands_is_taken_in_at_its_start(box):
    """The quarantine of an older program, which could not read this frame."""
    box.put(fleet(2), [door(1, T0_MS + 500, False, 1)])
    box.take_in()
    writer = SqliteWriter(box.folder / "streams.db", "outbox")
    row = (T0_MS, 0, "frame", "", encode_inbox([door(1, T0_MS + 1000, True, 2)]), "an older program's words")
    into = "INSERT INTO quarantine (at_ms, partition, sort, key, data, why) VALUES (?, ?, ?, ?, ?, ?)"
    writer.append([], [(into, [row])])
    writer.close()
    box.take_in()
    assert pages(box) == [(T0_MS + 1000, "worker", "undeclared-opening")]
    assert box.ask("SELECT count(*) FROM quarantine WHERE resolved_ms IS NULL") == [(0,)]
    box.take_in()
    assert len(pages(box)) == 1


class Told(Teller):
    """Keeps what would be told."""

    def __init__(self) -> None:
        super().__init__("a test")
        self.told: list[tuple[str, bool]] = []

    def _send(self, part: str, word: Word) -> str:
        if not word.if_standing:
            self.told.append((part, word.well))
        return ""


def test_what_is_taken_in_at_a_start_is_no_trouble_any_more(box):
    """The process that put it aside has said so, and has ended since."""
    box.put(fleet(2))
    box.put_raw(b"\xc1 no frame")
    first = Told()
    box.take_in(reporter=first)
    wait_until(lambda: ("quarantine", False) in first.told)
    first.close()

    (good,) = in_frames([door(1, T0_MS + 500, False, 1)])
    writer = SqliteWriter(box.folder / "streams.db", "outbox")
    writer.append([], [("UPDATE quarantine SET data = ?", [(encode_inbox(good),)])])
    writer.close()
    second = Told()
    box.take_in(reporter=second)
    wait_until(lambda: ("quarantine", True) in second.told)
    second.close()

    third = Told()
    box.take_in(reporter=third)
    third.close()
    assert "quarantine" not in dict(third.told)


def test_a_memory_that_does_not_decode_is_kept_aside_and_all_others_are_loaded(box):
    box.put(*in_frames(script(6, 60)))
    box.take_in()
    remembered = box.remembered()
    writer = SqliteWriter(box.folder / "streams.db", "outbox")
    broken = msgspec.msgpack.encode([("d:door-1", b"\xc1")])
    writer.append([], [("INSERT INTO changes VALUES (?, 0, ?)", [(10**6, broken)])])
    writer.close()
    runtime = box.start()
    assert f"{len(remembered) - 1} records" in runtime.says()
    assert "1 put aside" in runtime.says()
    assert box.ask("SELECT sort, key, data FROM quarantine") == [("state", "d:door-1", b"\xc1")]
    box.stop()
    box.take_in()
    assert len(box.ask("SELECT * FROM quarantine")) == 1


def test_a_newer_frame_stops_it_after_what_came_before(box):
    box.put(fleet(2), [door(1, T0_MS + 500, False, 1), door(1, T0_MS + 1000, True, 2)])
    box.put_raw(msgspec.msgpack.encode((VERSION + 1, [])))
    box.start()
    with pytest.raises(NewerFrame, match="upgrade this process"):
        box.drain()
    assert len(pages(box)) == 1


def test_each_partition_has_its_own_place_and_time(box):
    first, second = script(7, 80), script(8, 80, longest_gap_ms=20 * MINUTE_MS)
    box.put(*in_frames(first), partition=0)
    box.put(*in_frames(second), partition=1)
    box.take_in(partitions=2)
    assert box.decided(0) == expected(first)[0]
    assert box.decided(1) == expected(second)[0]
    assert box.ask("SELECT partition FROM status ORDER BY 1") == [(0,), (1,)]


def test_another_number_of_partitions_is_refused_with_the_remedy(box):
    box.take_in(partitions=2)
    with pytest.raises(LogFull, match=r"set partitions = 2 in \[streams\]"):
        box.start(partitions=3)
    box.take_in(partitions=2)


def test_an_inbox_begun_anew_is_read_from_its_start(box, capsys):
    """An operator put a damaged inbox.db aside, and the gateway made a new one while we had the old one open."""
    box.put(fleet(2), *([door(1, T0_MS + n, False, n)] for n in range(20)))
    clock = Clock(T0_MS + 1000)
    runtime = box.start(clock.live())
    box.drain()
    time.sleep(2.1)  # what was committed after our last commit is new; two seconds of doubt count as seen
    box.begin_inbox_anew()
    box.put([door(1, T0_MS + 1000, True, 30)])
    for _ in range(3):
        clock.now_ms += 2000
        runtime.turn()
    box.drain()
    assert [role for _, role, _ in pages(box)] == ["worker"]
    assert "another file than before" in capsys.readouterr().err


def test_stop_ends_it(box):
    runtime = box.start(LiveClock())
    thread = Thread(target=runtime.run)
    thread.start()
    runtime.stop()
    thread.join(60)
    assert not thread.is_alive()
