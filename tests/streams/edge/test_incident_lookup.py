"""The story of an incident out of the logs of a box."""

from streams.edge.incident_lookup import offset_before, story_of
from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from streams.effects import Decision
from tests.streams.edge.boxes import Box, in_frames
from tests.streams.test_incident_story import HOME, INCIDENT, RECORDS


def test_the_story_is_found_in_the_logs(tmp_path):
    box = Box(tmp_path)
    box.put(*in_frames(RECORDS, 3))
    box.take_in()
    now_ms = box.ask("SELECT max(at_ms) FROM outbox")[0][0]
    moments = story_of(tmp_path, 1, INCIDENT, grid=HOME.split("/")[0], from_ms=now_ms - 1000, until_ms=now_ms)
    decided = [e.decision for moment in moments for e in moment.effects if isinstance(e, Decision)]
    assert decided[:2] == ["raised", "page"]
    assert decided[-1] == "closed"
    assert any(moment.happened is not None for moment in moments)
    later = story_of(tmp_path, 1, INCIDENT, grid="g2", from_ms=now_ms + 7_200_000, until_ms=now_ms + 8_000_000)
    assert later == []
    box.close()


def test_a_log_is_searched_by_time(tmp_path):
    now_ms = 1000
    writer = SqliteWriter(tmp_path / "inbox.db", "inbox", clock=lambda: now_ms)
    reader = SqliteReader(tmp_path / "inbox.db", "inbox")
    assert offset_before(reader, 5000) == 0
    for number in range(100):
        now_ms = 1000 + number * 10
        writer.append([(0, b"frame")])
    for offset in (3, 4, 5, 50, 100):
        writer.append([], [("DELETE FROM inbox WHERE offset = ?", [(offset,)])])
    kept = [offset for offset in range(1, 101) if offset not in (3, 4, 5, 50, 100)]
    for at_ms in range(990, 2010, 5):
        expected = max((o for o in kept if 1000 + (o - 1) * 10 < at_ms), default=0)
        found = offset_before(reader, at_ms)
        assert max((o for o in kept if o <= found), default=0) == expected, at_ms
    writer.close()
    reader.close()
