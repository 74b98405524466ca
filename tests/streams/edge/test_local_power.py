"""The power goes after every write and sync of a short script: what was committed is there, nothing happens twice.

With its negative control: the same script with `synchronous` turned down must show a loss, or this test sees nothing.
"""

from pathlib import Path

import apsw
import pytest

from streams.edge import memory_table, streams_db
from streams.edge.local import LocalRuntime
from tests.streams.edge.boxes import Box, expected, in_frames
from tests.streams.edge.power import Image, PowerDisk
from tests.streams.edge.scripts import script

RECORDS = script(11, 30, households=5)


class Cut:
    """A picture of the disk, and how far the commits had come when the power went."""

    def __init__(self, what: str, image: Image, committed: int) -> None:
        self.what = what
        self.image = image
        self.committed = committed


def cuts_of_a_run(folder: Path, pragma: str = "") -> list[Cut]:
    """Every power cut of one run over RECORDS."""
    cuts: list[Cut] = []
    last: dict[str, tuple[Image, int]] = {}
    committed = 0

    def seen(what: str, image: Image) -> None:
        if last.get(what) != (image, committed):
            last[what] = image, committed
            cuts.append(Cut(what, image, committed))

    box = Box(folder)
    disk = PowerDisk(seen)
    # The inbox is the gateway's: it was opened on the ordinary disk and stays whole.
    apsw.set_default_vfs("power")
    try:
        runtime = box.start()
        if pragma:
            runtime._db._writer._connection.execute(pragma)
        for frame in in_frames(RECORDS, 5):
            box.put(frame)
            box.drain()
            committed += 1
        box.stop()
    finally:
        apsw.set_default_vfs("unix")
        box.close()
        disk.unregister()
    return cuts


def restore(image: Image, folder: Path) -> None:
    for path in folder.glob("streams.db*"):
        path.unlink()
    for name, data in image.items():
        if name.startswith("streams.db") and not name.endswith("-shm"):
            (folder / name).write_bytes(data)


def offset_in(folder: Path) -> int:
    connection = apsw.Connection(str(folder / "streams.db"))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'cursors'").fetchall():
            return 0
        rows = connection.execute("SELECT offset FROM cursors WHERE log = 'inbox'").fetchall()
    finally:
        connection.close()
    return rows[0][0] if rows else 0


@pytest.fixture(autouse=True)
def memory_moves_early(monkeypatch):
    """So that a short script has the core's memory moved to its place, and cut in the middle of that."""
    monkeypatch.setattr(streams_db, "BUSY", 3)
    monkeypatch.setattr(memory_table, "_RECORDS_AT_ONCE", 12)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_committed_is_lost_and_nothing_happens_twice_at_any_cut(tmp_path):
    cuts = cuts_of_a_run(tmp_path)
    assert len(cuts) > 150
    effects, remembered = expected(RECORDS)
    box = Box(tmp_path)
    try:
        for number, cut in enumerate(cuts):
            restore(cut.image, tmp_path)
            assert offset_in(tmp_path) >= cut.committed, f"cut {number} ({cut.what}) lost a commit"
            box.take_in()
            assert box.decided() == effects, f"cut {number} ({cut.what})"
            assert box.remembered() == remembered, f"cut {number} ({cut.what})"
    finally:
        box.close()


@pytest.mark.slow
@pytest.mark.parametrize("pragma", ["PRAGMA synchronous=NORMAL", "PRAGMA synchronous=OFF"])
def test_the_control_with_fewer_syncs_loses_commits(tmp_path, pragma):
    lost = 0
    for cut in cuts_of_a_run(tmp_path, pragma):
        if cut.what != "synced":
            continue
        restore(cut.image, tmp_path)
        try:
            lost += offset_in(tmp_path) < cut.committed
        except (AssertionError, apsw.Error):
            lost += 1
    assert lost > 0


def test_the_runtime_writes_through_the_disk_of_the_test(tmp_path):
    """Or the cuts would be pictures of nothing."""
    cuts = cuts_of_a_run(tmp_path)
    assert {cut.what for cut in cuts} == {"synced", "written", "torn"}
    assert any("streams.db-wal" in cut.image for cut in cuts)
    assert LocalRuntime.__module__ == "streams.edge.local"
