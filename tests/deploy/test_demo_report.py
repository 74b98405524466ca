"""The report of a demonstration."""

import json

import msgspec
import pytest

from deploy.demo_report import ProcessUse, Report, write_report

SOUND = Report(
    version="0.1.0", seed=7, households=400, seconds=30.0, ready_s=2.0, sent=100, acknowledged=100, commands=10,
    commands_accepted=10, incidents=3, incidents_by_kind={"fever": 1, "left-open": 2}, pages=4,
    pages_by_role={"worker": 3, "doctor": 1}, pages_heard=4, lost=0, duplicated=0, lost_what=[], duplicated_what=[],
    door_to_page_ms={"count": 4, "p50": 3.0, "p99": 9.0, "most": 9.0}, puback_ms={"count": 9, "p50": 1.0, "p99": 2.0},
    processes={"gateway": ProcessUse(1.5, 5.0, 40.0, 30.0)}, memory_mb=150.0, resident_mb=200.0,
)  # fmt: skip


def test_a_sound_run():
    assert SOUND.is_sound()


@pytest.mark.parametrize(
    "change", [{"lost": 1}, {"duplicated": 1}, {"acknowledged": 99}, {"sent": 0, "acknowledged": 0}]
)
def test_a_run_that_is_not(change):
    assert not msgspec.structs.replace(SOUND, **change).is_sound()


def test_it_reads_plainly_and_shows_what_was_lost():
    text = msgspec.structs.replace(SOUND, lost=1, lost_what=["due and not told: x#0.worker.1"]).text()
    assert "events sent          100\n" in text
    assert "incidents            3  (left-open 2, fever 1)\n" in text
    assert "lost                 1\n  due and not told: x#0.worker.1\n" in text
    assert "door to page         p50 3.0 ms, p99 9.0 ms (4 pages)" in text


def test_it_is_written_as_json(tmp_path):
    write_report(SOUND, tmp_path / "r.json")
    read = json.loads((tmp_path / "r.json").read_text())
    assert read["lost"] == read["duplicated"] == 0
    assert read["processes"]["gateway"]["cpu_percent"] == 5.0
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
