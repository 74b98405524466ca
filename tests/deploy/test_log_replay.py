"""A site's log through the core, an engine a partition."""

import pytest

from deploy.box_log import BoxLog, opener
from deploy.log_replay import LogReplay
from devices.edge import fleet_file, settings
from devices.events import Event
from streams.edge.policy_file import load
from streams.effects import Decision
from tests.deploy.test_box_log import DAY_MS, GRIDS, MINUTE_MS, NINE_MS, box  # noqa: F401 - a fixture


def replay(box, since_ms=0, until_ms=None, policies=1, **more):  # noqa: F811
    read = settings.load(box)
    log = BoxLog(opener(read, "inbox"), 2)
    return LogReplay(log, fleet_file.load(read.fleet_path), [load()] * policies, since_ms, until_ms, **more)


def decisions(together):
    return [e for effects in together for e in effects[0] if isinstance(e, Decision)]


def test_decisions_of_all_partitions_come_by_time(box):  # noqa: F811
    told = decisions(replay(box).effects())
    assert [d.t_ms for d in told] == sorted(d.t_ms for d in told)
    assert {d.grid for d in told} >= set(GRIDS)


def test_each_policy_has_its_own_engine(box):  # noqa: F811
    for ours, theirs in replay(box, policies=2).effects():
        assert ours == theirs


def test_only_what_was_decided_since_then_and_time_passes_to_the_end(box):  # noqa: F811
    since_ms = NINE_MS + 3 * DAY_MS
    until_ms = since_ms + 6 * MINUTE_MS
    told = decisions(replay(box, since_ms, until_ms).effects())
    assert min(d.t_ms for d in told) >= since_ms and max(d.t_ms for d in told) <= until_ms
    # Nobody answered: the police is paged five minutes after the opening, though no message says so any more.
    assert {d.role for d in told if d.t_ms == until_ms} >= {"police", "doctor"}


def test_whoever_listens_hears_every_record_before_it_is_decided(box):  # noqa: F811
    heard, shares = [], []
    since_ms = NINE_MS + 4 * DAY_MS
    made = replay(box, since_ms, heard=heard.append, watch=lambda share, count: shares.append((share, count)))
    list(made.effects())
    events = [record for record in heard if isinstance(record, Event)]
    assert len(events) == 3 * 4 * len(GRIDS), "this day and the two of the warm-up"
    made = replay(box, since_ms, since_ms + 1, watch=lambda share, count: shares.append((share, count)))
    list(made.effects())
    assert shares and all(0 < share <= 1 for share, _ in shares)


def test_an_empty_log_decides_nothing(tmp_path):
    (tmp_path / "fleet.toml").write_text("")
    (tmp_path / "threshold.toml").write_text("")
    read = settings.load(tmp_path / "threshold.toml")
    log = BoxLog(opener(read, "inbox"), 1)
    assert list(LogReplay(log, fleet_file.load(read.fleet_path), [load()], 0).effects()) == []


@pytest.mark.parametrize("until_ms", [NINE_MS - DAY_MS, 0])
def test_an_end_before_the_beginning_is_nothing(box, until_ms):  # noqa: F811
    assert list(replay(box, NINE_MS, until_ms).effects()) == []
