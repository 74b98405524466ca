from hypothesis import given
from hypothesis import strategies as st

from duty.throttle import KEYS_KEPT, MINUTE_MS, Throttle


def guess(throttle: Throttle, account: str, address: str, now_ms: int) -> bool:
    """Whether a wrong guess was looked at."""
    if throttle.wait_ms(account, address, now_ms):
        return False
    throttle.tries(account, address, now_ms)
    return True


def test_five_guesses_a_minute_from_one_place() -> None:
    throttle = Throttle()
    assert [guess(throttle, "wang", "a", t) for t in range(7)] == [True] * 5 + [False] * 2
    assert throttle.wait_ms("wang", "a", 10) == MINUTE_MS - 10
    assert guess(throttle, "wang", "a", MINUTE_MS)


def test_ten_guesses_a_minute_at_one_account_from_everywhere() -> None:
    throttle = Throttle()
    looked_at = sum(guess(throttle, "wang", f"a{n}", n) for n in range(1000))
    assert looked_at == 10


def test_thirty_guesses_a_minute_from_one_place_at_everybody() -> None:
    throttle = Throttle()
    assert sum(guess(throttle, f"w{n}", "a", n) for n in range(1000)) == 30


def test_an_account_under_attack_stays_open_to_whom_it_knows() -> None:
    throttle = Throttle()
    throttle.tries("wang", "home", 0)
    throttle.succeeded("wang", "home", 0)
    for n in range(50):
        guess(throttle, "wang", f"bad{n}", n)
    assert throttle.wait_ms("wang", "elsewhere", 60) > 0
    assert throttle.wait_ms("wang", "home", 60) == 0
    assert [guess(throttle, "wang", "home", 60 + t) for t in range(6)] == [True] * 5 + [False]


def test_logging_in_often_is_no_attack() -> None:
    throttle = Throttle()
    for n in range(200):
        assert guess(throttle, f"w{n % 40}", "office", n)
        throttle.succeeded(f"w{n % 40}", "office", n)


def test_codes_are_counted_apart() -> None:
    throttle = Throttle()
    for _ in range(5):
        assert throttle.code_wait_ms("wang", 0) == 0
        throttle.tries_code("wang", 0)
    assert throttle.code_wait_ms("wang", 1) == 5 * MINUTE_MS - 1
    throttle.code_succeeded("wang")
    assert throttle.code_wait_ms("wang", 1) == 0


def test_memory_has_an_end() -> None:
    throttle = Throttle()
    for n in range(KEYS_KEPT):
        throttle.tries(f"w{n}", f"a{n}", n)
    assert len(throttle._failures) == KEYS_KEPT


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 5000)), max_size=150))
def test_no_minute_ever_sees_more_than_ten_guesses_at_a_stranger(steps) -> None:
    throttle = Throttle()
    now_ms = 0
    tried: dict[str, list[int]] = {"a": [], "b": []}
    for account, address, later_ms in steps:
        now_ms += later_ms
        if guess(throttle, account, address, now_ms):
            tried[account].append(now_ms)
    for times in tried.values():
        for at, first in enumerate(times):
            assert sum(first <= t < first + MINUTE_MS for t in times[at:]) <= 10
