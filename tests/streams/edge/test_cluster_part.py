"""What a partition of the cluster remembers and has still to write; Kafka is not needed for it."""

import msgspec
import pytest

from streams.edge.cluster_part import ASIDE, MARK, SCHEMA, VERSION, Gap, Mark, NotWhole, Part, Schema, read_mark
from streams.effects import Effect
from streams.frames import InboxRecord, NewerFrame, RejectRecord, decode_outbox, encode_inbox
from streams.state import decode_record, encode_record
from streams.tally import tally
from tests.streams.edge.boxes import expected, in_frames, policy
from tests.streams.edge.scripts import script


class Kept:
    """The changelog's part: what flushes have written, and what was decided."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.decided: list[Effect] = []
        self.rejects: list[RejectRecord] = []

    def flush(self, part: Part) -> Mark:
        flush = part.take_flush(at_ms=1)
        for key, value in flush.writes:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
        for frame in flush.mark.frames:
            self.decided += decode_outbox(frame)
        self.rejects += [msgspec.msgpack.decode(frame, type=RejectRecord) for frame in flush.rejects]
        return flush.mark

    def part(self, schema: Schema = SCHEMA) -> Part:
        return Part(0, policy(), self.rows, schema)

    def remembered(self) -> dict[str, bytes]:
        return {key.decode(): value for key, value in self.rows.items() if key != MARK}


def frames_of(records: list[InboxRecord]) -> list[bytes]:
    return [encode_inbox(list(frame)) for frame in in_frames(records)]


def test_owners_that_follow_one_another_decide_as_one() -> None:
    records = script(1, 400)
    kept = Kept()
    for offset, frame in enumerate(frames_of(records), start=1):
        part = kept.part()
        # What the one before has taken in already comes again, and is passed over.
        assert part.offset == offset - 1
        if offset > 1:
            assert part.take(offset - 1, b"whatever") is False
        assert part.take(offset, frame) is True
        kept.flush(part)
    effects, remembered = expected(records)
    assert kept.decided == effects
    assert kept.remembered() == remembered


def test_what_was_not_flushed_is_decided_again_by_the_next_owner_alike() -> None:
    records = script(2, 200)
    frames = frames_of(records)
    kept = Kept()
    first = kept.part()
    for offset, frame in enumerate(frames, start=1):
        first.take(offset, frame)
        if offset == len(frames) // 2:
            kept.flush(first)
    second = kept.part()
    assert second.offset == len(frames) // 2
    for offset in range(second.offset + 1, len(frames) + 1):
        second.take(offset, frames[offset - 1])
    kept.flush(second)
    assert (kept.decided, kept.remembered()) == expected(records)


def test_a_frame_left_out_is_a_gap() -> None:
    part = Kept().part()
    part.take(1, encode_inbox([]))
    with pytest.raises(Gap, match="frame 3 of inbox came where 2 was due") as gap:
        part.take(3, encode_inbox([]))
    assert gap.value.wanted == 2


@pytest.mark.parametrize("frame", [b"", b"\x00", b"\x92\x01\xc0", b'{"state":"open"}', b"\xff" * 5000])
def test_what_is_no_frame_is_put_aside_and_told_and_the_rest_goes_on(frame: bytes) -> None:
    records = script(3, 60)
    kept = Kept()
    part = kept.part()
    part.take(1, frame)
    for offset, good in enumerate(frames_of(records), start=2):
        part.take(offset, good)
    kept.flush(part)
    assert kept.decided == expected(records)[0]
    assert part.put_aside == 1
    assert [(row.reason, row.topic, row.payload) for row in kept.rejects] == [("malformed", "inbox/0", frame)]
    assert "frame 1 of inbox" in kept.rejects[0].detail
    assert [key for key in kept.rows if key.startswith(ASIDE)] != []
    # It is kept over a change of owners, and not told again.
    again = kept.part()
    assert again.put_aside == 1
    kept.flush(again)
    assert len(kept.rejects) == 1


def test_a_newer_frame_is_neither_taken_nor_put_aside() -> None:
    part = Kept().part()
    with pytest.raises(NewerFrame, match="the frame has schema version 2, this program knows up to 1: upgrade"):
        part.take(1, msgspec.msgpack.encode([2, ["what is this"]]))
    assert (part.offset, part.put_aside) == (0, 0)


def test_the_mark_says_by_which_version_the_state_is_written() -> None:
    assert read_mark(None) == Mark(version=VERSION)
    newer = msgspec.msgpack.encode(Mark(version=VERSION + 1))
    assert read_mark(newer, VERSION + 1).version == VERSION + 1
    with pytest.raises(NewerFrame, match=f"has version {VERSION + 1}, this program knows up to {VERSION}"):
        read_mark(newer)


def test_a_newer_program_takes_over_from_an_older_one_and_never_the_other_way_round() -> None:
    newer = Schema(
        VERSION + 1,
        encode=lambda record: b"n" + encode_record(record),
        decode=lambda data: decode_record(data.removeprefix(b"n")),
    )
    records = script(4, 200)
    frames = frames_of(records)
    kept = Kept()
    half = len(frames) // 2
    old = kept.part()
    for offset in range(1, half):
        old.take(offset, frames[offset - 1])
    assert kept.flush(old).version == VERSION

    for offset in range(half, len(frames) + 1):
        new = kept.part(newer)
        new.take(offset, frames[offset - 1])
        assert kept.flush(new).version == VERSION + 1
        with pytest.raises(NewerFrame):
            kept.part()
    effects, remembered = expected(records)
    assert kept.decided == effects
    assert {key: value.removeprefix(b"n") for key, value in kept.remembered().items()} == remembered


def test_the_mark_counts_what_is_remembered_and_a_missing_row_shows() -> None:
    records = script(5, 200)
    kept = Kept()
    part = kept.part()
    for offset, frame in enumerate(frames_of(records), start=1):
        part.take(offset, frame)
        mark = kept.flush(part)
        assert mark.tally == tally((key, value) for key, value in kept.rows.items() if key != MARK)
    whole = dict(kept.rows)
    key = next(key for key in whole if key[:2] == b"p:")
    del kept.rows[key]
    rows = len(whole) - 1
    with pytest.raises(NotWhole, match=f"partition 0: {rows - 1} rows where its mark says {rows}"):
        kept.part()
    kept.rows[key] = whole[next(each for each in whole if each[:2] == b"d:")]
    with pytest.raises(NotWhole, match=f"partition 0: of its {rows} rows some are not as its mark says"):
        kept.part()
    # Told to go on, it does, and what it writes then is whole again.
    del kept.rows[key]
    anyhow = Part(0, policy(), kept.rows, although_not_whole=True)
    anyhow.touch()
    kept.flush(anyhow)
    assert kept.part().offset == part.offset


def test_a_mark_of_a_program_that_did_not_count_is_taken_as_it_is() -> None:
    kept = Kept()
    part = kept.part()
    part.take(1, frames_of(script(6, 7))[0])
    kept.flush(part)
    old = msgspec.msgpack.decode(kept.rows[MARK])
    kept.rows[MARK] = msgspec.msgpack.encode(old[:-1])
    del kept.rows[next(key for key in kept.rows if key != MARK)]
    assert kept.part().mark.tally is None
    again = kept.part()
    again.touch()
    assert kept.flush(again).tally == tally((key, value) for key, value in kept.rows.items() if key != MARK)


def test_what_somebody_else_wrote_out_of_turn_is_put_right_and_counted_right() -> None:
    kept = Kept()
    part = kept.part()
    for offset, frame in enumerate(frames_of(script(8, 100)), start=1):
        part.take(offset, frame)
    kept.flush(part)
    whole = dict(kept.rows)
    key = next(key for key in whole if key[:2] == b"p:")
    part.rewrite([key, b"p:unknown"])
    mark = kept.flush(part)
    assert {k: v for k, v in kept.rows.items() if k != MARK} == {k: v for k, v in whole.items() if k != MARK}
    assert mark.tally == tally((key, value) for key, value in kept.rows.items() if key != MARK)
