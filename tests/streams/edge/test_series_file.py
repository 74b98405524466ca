"""The sink's own file: its place, what the projector keeps, what was refused."""

import pytest

from streams.edge.series import Progress, Refused, SeriesDown
from streams.edge.series_file import SeriesFile
from streams.edge.sqlite_log import read_to


def test_what_was_stored_is_there_when_opened_again(tmp_path):
    file = SeriesFile(tmp_path / "series.db")
    file.store(Progress({("inbox", 0): 5, ("outbox", 1): 7}, {"a": b"1", "b": b"2"}), refused=[Refused("line", "why")])
    file.store(Progress({("inbox", 0): 6}, {"a": None}, [Refused("frame 6", "newer")]))
    file.close()
    file = SeriesFile(tmp_path / "series.db")
    assert file.cursors() == {("inbox", 0): 6, ("outbox", 1): 7}
    assert file.kept() == {"b": b"2"}
    assert file.refused() == [Refused("line", "why"), Refused("frame 6", "newer")]
    file.close()


def test_the_gateway_sees_how_far_the_sink_has_read(tmp_path):
    """It deletes no frame of `inbox` that is not a point yet."""
    file = SeriesFile(tmp_path / "series.db")
    file.store(Progress({("inbox", 0): 5}))
    assert read_to([tmp_path / "series.db"], "inbox") == {0: 5}
    file.close()


def test_a_second_sink_is_refused(tmp_path):
    file = SeriesFile(tmp_path / "series.db")
    with pytest.raises(SeriesDown, match="only one may"):
        SeriesFile(tmp_path / "series.db")
    file.close()


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SeriesDown, match="nowhere"):
        SeriesFile(tmp_path / "nowhere" / "series.db")


def test_what_was_refused_long_ago_is_forgotten(tmp_path):
    file = SeriesFile(tmp_path / "series.db")
    file.store(Progress(), refused=[Refused("line", "why")])
    file.forget_refused(1)
    assert file.refused() == [Refused("line", "why")]
    file.forget_refused(2**62)
    assert file.refused() == []
    file.close()
