"""Damaged files: whatever can be read is saved with its offset, and offsets go on beyond all that were given."""

import random
from pathlib import Path

import apsw
import pytest

from streams.edge import salvage
from streams.edge.log import LogFull
from streams.edge.sqlite_log import (
    CURSORS,
    LogDamaged,
    SqliteReader,
    SqliteWriter,
    cursor_at,
    frames_into,
    frames_table,
)

PAGE = 4096


def open_writer(file: Path, seen: int = 0) -> SqliteWriter:
    return SqliteWriter(
        file, "inbox", tables=[CURSORS], other_logs=["rejects"], seen=lambda: seen, wait_for_lock_s=0.05
    )


def frame(offset: int) -> bytes:
    return b"%06d" % offset * 20


@pytest.fixture
def file(tmp_path):
    """A thousand frames, ten rejects, a cursor."""
    path = tmp_path / "inbox.db"
    writer = open_writer(path)
    for start in range(1, 1001, 50):
        writer.append([(offset % 2, frame(offset)) for offset in range(start, start + 50)])
    writer.append([], [frames_into("rejects", [(0, n, b"reject %d" % n) for n in range(10)]), cursor_at("x", 0, 7)])
    writer.close()
    return path


def kept(path: Path, log: str = "inbox") -> dict[int, bytes]:
    reader = SqliteReader(path, log)
    found = dict(reader.read(0, 0, 10_000)) | dict(reader.read(1, 0, 10_000))
    reader.close()
    return found


def damage(path: Path, pages: list[int]) -> None:
    """Fill these pages (the first is 0) with anything."""
    noise = random.Random(7)
    with path.open("r+b") as raw:
        for page in pages:
            raw.seek(page * PAGE)
            raw.write(noise.randbytes(PAGE))


def pages_of(path: Path, table: str) -> list[int]:
    """The leaves of a table, from 0 on."""
    connection = apsw.Connection(str(path))
    sql = "SELECT pageno - 1 FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path"
    found = [page for (page,) in connection.execute(sql, (table,))]
    connection.close()
    return found


def mend(path: Path, seen: int = 0) -> SqliteWriter:
    """A gateway that starts on this file and goes on."""
    try:
        writer = open_writer(path, seen)
    except LogFull:
        writer = open_writer(path, seen)
    for _ in range(3):
        try:
            writer.query("SELECT count(*), max(frame) FROM inbox")
            writer.append([(0, b"first")])
            return writer
        except LogDamaged:
            continue
    raise AssertionError("it stays damaged")


@pytest.mark.parametrize("which", ["first", "middle", "last", "two", "many"])
def test_frames_beside_the_damage_are_saved_under_their_offsets(file, which):
    leaves = pages_of(file, "inbox")
    chosen = {
        "first": leaves[:1],
        "middle": [leaves[len(leaves) // 2]],
        "last": leaves[-1:],
        "two": [leaves[3], leaves[9]],
        "many": leaves[2:-2:2],
    }[which]
    damage(file, chosen)
    writer = mend(file)
    saved = {offset: found for offset, found in kept(file).items() if offset <= 1000}
    assert all(saved[offset] == frame(offset) for offset in saved)
    # A leaf holds about thirty of them.
    assert 1000 - 45 * len(chosen) <= len(saved) < 1000
    said = " ".join(writer.salvaged)
    assert "put aside as inbox.db.damaged-" in said
    assert f"{len(saved)} frames were saved" in said
    assert kept(file, "rejects") == {n + 1: b"reject %d" % n for n in range(10)}
    assert writer.query("SELECT * FROM cursors") == [("x", 0, 7)]
    assert writer.append([(0, b"new")])[0] > 1000
    writer.close()


def test_the_gaps_are_told_exactly(file):
    leaf = pages_of(file, "inbox")[5]
    before = kept(file)
    damage(file, [leaf])
    source = salvage._opened(file)
    assert source is not None
    gaps: list[tuple[int, int]] = []
    found = {row[0] for row in salvage._rows(source, "inbox", 1000, lambda *gap: gaps.append(gap))}
    source.close()
    [(first, last)] = gaps
    assert set(before) - found == set(range(first, last + 1))


@pytest.mark.parametrize("pages", [[0], [1], [2], [0, 1, 2, 3]])
def test_where_the_beginning_is_damaged_offsets_still_go_on_beyond_the_readers(file, pages):
    damage(file, pages)
    writer = mend(file, seen=5000)
    assert writer.append([(0, b"new")])[0] > 5000
    saved = kept(file)
    assert all(saved[offset] == frame(offset) for offset in saved if offset <= 1000)
    writer.close()


def test_a_file_that_was_overwritten_is_put_aside(file):
    file.write_bytes(b"not a database at all " * 1000)
    writer = mend(file, seen=1000)
    assert "not readable: frames 1 to 1000" in writer.salvaged[0]
    assert kept(file) == {1001: b"first"}
    writer.close()


def test_an_open_reader_goes_over_to_the_new_file(file):
    reader = SqliteReader(file, "inbox")
    assert reader.end(0) == 1000
    damage(file, pages_of(file, "inbox")[3:4])
    writer = mend(file)
    [offset] = writer.append([(0, b"new")])
    assert reader.read(0, 1000) == [(offset - 1, b"first"), (offset, b"new")]
    reader.close()
    writer.close()


def test_what_stands_in_the_wal_alone_is_saved_too(file):
    writer = open_writer(file)
    [offset] = writer.append([(0, b"in the WAL")])
    whole, wal = file.read_bytes(), Path(f"{file}-wal").read_bytes()
    writer.close()
    # As after kill -9: the WAL is still there, and the file beside it was damaged.
    file.write_bytes(whole)
    Path(f"{file}-wal").write_bytes(wal)
    damage(file, pages_of_copy(file)[4:5])
    Path(f"{file}-wal").write_bytes(wal)
    writer = mend(file)
    assert kept(file)[offset] == b"in the WAL"
    writer.close()


def pages_of_copy(file: Path) -> list[int]:
    """Of a copy: looking at the file itself would move its WAL."""
    copy = file.with_name("copy.db")
    copy.write_bytes(file.read_bytes())
    return pages_of(copy, "inbox")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_damaged_what_is_saved_is_true_and_writing_goes_on(file, seed):
    chance = random.Random(seed)
    count = file.stat().st_size // PAGE
    damage(file, chance.sample(range(count), chance.randint(1, count // 3)))
    writer = mend(file, seen=1000)
    assert all(found == frame(offset) for offset, found in kept(file).items() if offset <= 1000)
    [offset] = writer.append([(0, b"new")])
    assert offset > 1000
    writer.close()
    writer = open_writer(file)
    assert writer.salvaged == []
    assert writer.query("PRAGMA integrity_check") == [("ok",)]
    writer.close()


@pytest.mark.parametrize("step", ["before", "link", "unlink", "replace"])
def test_a_crash_between_the_new_file_and_its_place_is_made_good(file, monkeypatch, step):
    """The new file is complete; the process ends at one of the steps that bring it into its place."""

    def crash(*_arguments, **_options):
        raise KeyboardInterrupt

    damage(file, pages_of(file, "inbox")[3:4])
    finish = salvage.finish
    monkeypatch.setattr(salvage, "finish", crash)
    tables = [frames_table("inbox"), frames_table("rejects"), CURSORS]
    with pytest.raises(KeyboardInterrupt):
        salvage.salvage(file, ["inbox", "rejects"], tables, 1000)
    if step != "before":
        with monkeypatch.context() as patch:
            patch.setattr(*((Path, "unlink") if step == "unlink" else (salvage.os, step)), crash)
            with pytest.raises(KeyboardInterrupt):
                finish(file)
    monkeypatch.setattr(salvage, "finish", finish)
    writer = open_writer(file, 1000)
    assert 900 < len(kept(file)) < 1000
    assert writer.append([(0, b"new")])[0] > 1000
    assert writer.query("PRAGMA integrity_check") == [("ok",)]
    writer.close()


def test_a_disk_that_damages_again_and_again_is_left_to_a_person(file):
    for n in range(salvage.MOST_ASIDE):
        file.with_name(f"inbox.db.damaged-{n}").write_bytes(b"")
        file.with_name(f"inbox.db.damaged-{n}-wal").write_bytes(b"")
    damage(file, pages_of(file, "inbox"))
    writer = open_writer(file)
    with pytest.raises(LogDamaged):
        writer.query("SELECT max(frame) FROM inbox")
    for _ in range(2):
        with pytest.raises(LogFull, match="look after this disk"):
            writer.query("SELECT max(frame) FROM inbox")
    writer.close()


def test_without_being_asked_nothing_is_put_aside(file):
    damage(file, pages_of(file, "inbox"))
    writer = SqliteWriter(file, "inbox")
    for _ in range(2):
        with pytest.raises(LogDamaged, match="damaged"):
            writer.query("SELECT max(frame) FROM inbox")
    writer.close()
    assert not list(file.parent.glob("*damaged*"))


def test_damage_that_only_a_reader_met_is_mended_by_the_writer(file, monkeypatch):
    monkeypatch.setattr("streams.edge.sqlite_log._LOOK_FOR_DAMAGE_S", 0.0)
    writer = open_writer(file)
    writer.append([(0, b"warm")])
    damage(file, pages_of_copy(file)[4:6])
    reader = SqliteReader(file, "inbox")
    with pytest.raises(LogDamaged):
        reader.read(0, 0, 10_000)
    writer.append([(0, b"goes on")])
    writer.tend()
    assert "put aside" in writer.salvaged[0]
    assert [found for _, found in reader.read(0, 1000)] == [b"warm", b"goes on"]
    assert len(reader.read(1, 0, 10_000)) > 400
    # The note was about the file that was put aside, and is gone.
    writer.salvaged.clear()
    reader.read(0, 0, 10_000)
    writer.tend()
    assert writer.salvaged == []
    reader.close()
    writer.close()


def test_a_note_about_a_file_that_is_gone_already_is_nothing(file, monkeypatch):
    monkeypatch.setattr("streams.edge.sqlite_log._LOOK_FOR_DAMAGE_S", 0.0)
    writer = open_writer(file)
    file.with_name("inbox.db.unreadable").write_text("7")
    writer.tend()
    assert writer.salvaged == []
    assert len(kept(file)) == 1000
    writer.close()
