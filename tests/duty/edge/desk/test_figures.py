"""Figures for the supervisor."""

import pytest

from duty.edge.desk.figures import percentile, started_ms
from duty.incident import Incident
from streams.effects import Cause, Reason


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile([], 50) is None
    assert percentile([7], 99) == 7
    assert percentile(list(range(1, 101)), 50) == 50
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile([3, 1, 2], 90) == 3


@pytest.mark.parametrize(
    ("received_ms", "raised_ms", "started"),
    [(1_000, 1_000, 1_000), (1_000, 31_000, 1_000), (1_000, 601_000, 601_000), (None, 601_000, 601_000)],
    ids=["at once", "while the core was behind", "by a timer, ten minutes after the door", "by no message"],
)
def test_it_counts_from_the_door_or_from_when_a_timer_was_due(
    received_ms: int | None, raised_ms: int, started: int
) -> None:
    incident = Incident(
        "i", "left-open", "g1/1/1", "g1", "household", "open", raised_ms, Reason("x"), Cause(received_ms=received_ms)
    )
    assert started_ms(incident) == started
