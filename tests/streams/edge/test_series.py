"""What the port itself holds: percentiles, and questions that are bugs."""

import pytest

from streams.edge.series import checked, nearest_rank


@pytest.mark.parametrize(
    ("values", "percents", "found"),
    [
        ([], (50, 99), []),
        ([7.0], (0, 50, 100), [7.0, 7.0, 7.0]),
        ([1.0, 2.0, 3.0, 4.0], (25, 26, 50, 75, 100), [1.0, 2.0, 2.0, 3.0, 4.0]),
        ([float(n) for n in range(1, 1001)], (50, 99, 99.9), [500.0, 990.0, 999.0]),
    ],
)
def test_nearest_rank(values, percents, found):
    assert nearest_rank(values, percents) == found


def test_a_question_is_checked_against_the_table():
    checked("door", {"grid": "g1", "household": "h"}, by="report", field="open")
    with pytest.raises(ValueError, match="cannot be empty"):
        checked("door", {"household": ""})
    with pytest.raises(ValueError, match="no tag"):
        checked("latency", {"household": "h"})
