"""Every state × every move."""

from typing import get_args

import pytest

from streams.incident import TABLE, IllegalMove, Life, Move, may, move

LIVES, MOVES = get_args(Life), get_args(Move)
EXPECTED = {
    "none": {"raise": "standing"},
    "standing": {
        "raise": "standing", "clear": "cleared", "clear-itself": "none", "acknowledge": "standing",
        "expire": "standing", "snooze": "standing", "close": "none", "case-ends": "standing",
    },
    "cleared": {
        "raise": "standing", "acknowledge": "cleared", "expire": "cleared", "snooze": "cleared", "close": "none",
        "case-ends": "cleared",
    },
}  # fmt: skip


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("what", MOVES)
def test_every_state_and_move(life: Life, what: Move) -> None:
    leads_to = EXPECTED[life].get(what)
    assert may(life, what) is (leads_to is not None)
    if leads_to is None:
        with pytest.raises(IllegalMove):
            move(life, what)
    else:
        assert move(life, what)[0] == leads_to


def test_the_table_has_no_other_rows() -> None:
    assert len(TABLE) == sum(len(moves) for moves in EXPECTED.values())
