"""The story of an incident out of the logs of a box."""

from streams.edge.incident_lookup import span_of, story_of
from streams.edge.sqlite_log import SqliteReader
from streams.effects import Decision
from tests.streams.edge.boxes import Box, in_frames
from tests.streams.test_incident_story import HOME, INCIDENT, RECORDS


def test_the_story_is_found_in_the_logs(tmp_path):
    box = Box(tmp_path)
    box.put(*in_frames(RECORDS, 3))
    box.take_in()
    now_ms = box.ask("SELECT max(at_ms) FROM outbox")[0][0]
    logs = SqliteReader(tmp_path / "inbox.db", "inbox"), SqliteReader(tmp_path / "streams.db", "outbox")
    moments = story_of(*logs, 1, INCIDENT, grid=HOME.split("/")[0], from_ms=now_ms - 1000, until_ms=now_ms)
    decided = [e.decision for moment in moments for e in moment.effects if isinstance(e, Decision)]
    assert decided[:2] == ["raised", "page"]
    assert decided[-1] == "closed"
    assert any(moment.happened is not None for moment in moments)
    later = story_of(*logs, 1, INCIDENT, grid="g2", from_ms=now_ms + 7_200_000, until_ms=now_ms + 8_000_000)
    assert later == []
    raised = next(m.t_ms for m in moments for e in m.effects if isinstance(e, Decision))
    assert span_of(logs[1], 0, INCIDENT) == (raised, moments[-1].t_ms)
    assert span_of(logs[1], 0, INCIDENT + "7") is None
    box.close()
