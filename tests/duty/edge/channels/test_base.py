import pytest
from hypothesis import given
from hypothesis import strategies as st

from duty.edge.channels import carrier
from duty.edge.channels.base import Answer, Reply, Tools, by_code, encode, retry_after_s, short
from duty.people import CHANNEL_KINDS


def test_every_kind_has_a_carrier() -> None:
    tools = Tools(clock_ms=lambda: 0)
    for kind in CHANNEL_KINDS:
        assert callable(carrier(kind, tools).send)


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("", None),
        ("7", 7),
        ("0", 0),
        ("-1", None),
        ("99999999999", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
        ("Thu, 99 Xyz", None),
        ("\u0663", None),
    ],
)
def test_a_pause_asked_for(said: str, wait_s: float | None) -> None:
    assert retry_after_s({"retry-after": said}, 10_000) == wait_s


def test_an_answer_of_the_transport_is_passed_on() -> None:
    refused = Answer("try-later", "no connection")
    assert by_code(refused, "code", 0, {}, "msg") is refused


@given(st.integers(200, 599), st.binary(max_size=60))
def test_whatever_a_server_says_is_no_success_unless_it_says_so(status: int, body: bytes) -> None:
    answer = by_code(Reply(status, body), "errcode", 0, {}, "errmsg")
    assert answer.outcome in ("try-later", "gave-up")


@given(st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=3)))
def test_only_the_code_of_success_is_success(code: object) -> None:
    answer = by_code(Reply(200, encode({"errcode": code})), "errcode", 0, {}, "errmsg")
    assert (answer.outcome == "accepted") == (code == 0 and not isinstance(code, bool | str))


def test_a_detail_is_one_short_line() -> None:
    assert short("a\nb\0" + "x" * 999) == "a b " + "x" * 196
