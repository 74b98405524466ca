"""Whether a report stands open on a box: by what the core remembers, once it has taken in all that was there."""

from threading import Thread

import pytest

from devices.edge.settings import Data, Settings
from streams.edge.log import LogFull
from streams.edge.standing import BoxStanding, open_standing
from streams.frames import SystemReport
from streams.policy import HOUR_MS
from tests.streams.edge.boxes import Box
from tests.waiting import wait_until

T0_MS = 1_600_000_000_000


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path)
    yield made
    made.close()


def standing(box: Box, wait_s: float = 0.1) -> BoxStanding:
    return BoxStanding(box.folder, 1, wait_s=wait_s)


def test_a_report_stands_until_the_part_is_well_again(box):
    asked = standing(box)
    box.put([SystemReport(T0_MS, "clock", False, "set back"), SystemReport(T0_MS, "disk", False, "full")])
    box.take_in()
    assert [asked.stands(part) for part in ("clock", "disk", "sink")] == [True, True, False]
    box.put([SystemReport(T0_MS + 1000, "clock", True)])
    box.take_in()
    assert [asked.stands(part) for part in ("clock", "disk")] == [False, True]
    asked.close()


def test_a_report_that_lies_in_the_inbox_is_waited_for(box):
    box.put([SystemReport(T0_MS, "sink", True)])
    box.take_in()
    box.put([SystemReport(T0_MS + 1, "clock", False)])
    impatient, patient, answers = standing(box), standing(box, 60), []
    assert impatient.stands("clock") is None
    asking = Thread(target=lambda: answers.append(patient.stands("clock")))
    asking.start()
    box.take_in()
    asking.join()
    assert answers == [True]
    impatient.close()
    patient.close()


def test_where_nothing_was_ever_decided_nothing_stands(tmp_path):
    asked = BoxStanding(tmp_path, 1)
    assert asked.stands("clock") is False
    asked.close()


def test_what_moved_to_its_place_in_the_file_is_found_there_too(box, monkeypatch):
    monkeypatch.setattr("streams.edge.streams_db.AT_REST", 1)
    asked = standing(box)
    box.put([SystemReport(T0_MS, "clock", False)], [SystemReport(T0_MS, "sink", False)])
    box.put(*([SystemReport(T0_MS + n, f"x-{n}", False)] for n in range(300)))
    box.start()
    box.drain()
    for _ in range(40):
        box.runtime._db.rest()
    box.stop()
    assert "z:system/clock" in [key for (key,) in box.ask("SELECT key FROM records")]
    box.put([SystemReport(T0_MS + HOUR_MS, "sink", True)])
    box.take_in()
    assert [asked.stands(part) for part in ("clock", "sink", "x-299")] == [True, False, True]
    asked.close()


def test_a_question_under_way_ends_when_the_process_does(box):
    box.put([SystemReport(T0_MS, "clock", False)])
    asked, answers = standing(box, 600), []
    asking = Thread(target=lambda: answers.append(asked.stands("clock")))
    asking.start()
    asked.stop()
    wait_until(lambda: answers == [None])
    asking.join()
    asked.close()


def test_a_file_that_cannot_be_read_is_no_answer(box):
    box.put([SystemReport(T0_MS, "clock", False)])
    box.take_in()
    (box.folder / "streams.db").write_bytes(b"no database" * 1000)
    asked = standing(box)
    with pytest.raises(LogFull):
        asked.stands("clock")
    asked.close()


def test_the_settings_say_where_to_ask(tmp_path):
    asked = open_standing(Settings(data=Data(folder=str(tmp_path))))
    assert isinstance(asked, BoxStanding)
    asked.close()
