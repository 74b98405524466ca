from hypothesis import given
from hypothesis import strategies as st

from duty.watch import AGAIN_EVERY_MS, DEAD_AFTER_MS, Watch, looked, not_told

MINUTE_MS = 60_000


def play(looks: list[tuple[int, bool]]) -> list[tuple[int, str]]:
    watch, told = Watch(0), []
    for at_ms, well in looks:
        watch, word = looked(watch, well, at_ms)
        if word is not None:
            told.append((at_ms, word))
    return told


def test_dead_for_three_minutes_is_told_once_and_so_is_its_return() -> None:
    looks = [(n * 20_000, n < 3 or n > 30) for n in range(40)]
    assert play(looks) == [(40_000 + DEAD_AFTER_MS, "dead"), (31 * 20_000, "back")]


def test_a_short_silence_is_nothing() -> None:
    assert play([(0, True), (100_000, False), (179_999, False), (179_999, True)]) == []


def test_a_long_death_is_told_again_every_half_hour() -> None:
    looks = [(n * MINUTE_MS, False) for n in range(70)]
    assert play(looks) == [
        (DEAD_AFTER_MS, "dead"),
        (DEAD_AFTER_MS + AGAIN_EVERY_MS, "still-dead"),
        (DEAD_AFTER_MS + 2 * AGAIN_EVERY_MS, "still-dead"),
    ]


def test_what_nobody_took_is_told_at_the_next_look() -> None:
    watch, word = looked(Watch(0), False, DEAD_AFTER_MS)
    assert word == "dead"
    assert looked(not_told(watch), False, DEAD_AFTER_MS + 1)[1] == "dead"


@given(st.lists(st.tuples(st.integers(1, 400_000), st.booleans()), max_size=60))
def test_a_return_is_told_only_after_a_death(steps) -> None:
    at_ms, looks = 0, []
    for later_ms, well in steps:
        at_ms += later_ms
        looks.append((at_ms, well))
    dead = False
    for _, word in play(looks):
        assert (word == "dead") != dead
        dead = word != "back"
