"""Whose points are these: asked of the sink's file."""

from streams.case_names import CaseNames
from streams.edge.case_lookup import cases_of
from streams.edge.series import Progress
from streams.edge.series_file import SeriesFile
from tests.streams.test_case_names import DAY_MS, HOME, T0_MS, seen


def test_the_cases_of_one_household_are_found_and_no_others(tmp_path):
    names = CaseNames(new_secret=lambda: b"s" * 16, kept={})
    names.seen(seen(T0_MS, T0_MS, T0_MS + DAY_MS))
    names.seen(seen(T0_MS, T0_MS + 5 * DAY_MS, T0_MS + 6 * DAY_MS))
    file = SeriesFile(tmp_path / "series.db")
    file.store(Progress(kept={**names.take_changes(), "case:g017/3/12031": b"\x90", "secret:g017/3/12031@1": b"no"}))
    file.close()
    found = cases_of(tmp_path / "series.db", HOME)
    assert [(case.from_ms, case.until_ms) for case in found] == [
        (T0_MS, T0_MS + DAY_MS),
        (T0_MS + 5 * DAY_MS, T0_MS + 6 * DAY_MS),
    ]
    assert found[0] == names.case_at(HOME, T0_MS)
    assert cases_of(tmp_path / "series.db", "g017/3/1") == []


def test_before_the_sink_ran_there_are_none(tmp_path):
    assert cases_of(tmp_path / "series.db", HOME) == []
