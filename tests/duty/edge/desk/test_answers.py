"""A checkpoint's answer as its screen is told it."""

from zoneinfo import ZoneInfo

from duty.edge.desk.answers import answer_row
from streams.effects import Answer, Reason


def test_everything_the_screen_draws_is_told() -> None:
    answer = Answer(
        t_ms=5, grid="g017", checkpoint="g017/north", device="gun-1", subject="g017/north/A-1", verdict="again",
        celsius=37.1, limit_celsius=36.9, site="forehead", reason=Reason("over", {"celsius": 37.1, "limit": 36.9}),
        pass_id="A-1", readings=2, same_person=True,
    )  # fmt: skip
    row = answer_row(answer, "en", ZoneInfo("Asia/Shanghai"))
    assert row == {
        "t_ms": 5, "verdict": "again", "celsius": 37.1, "limit": 36.9, "site": "forehead",
        "subject": "g017/north/A-1", "pass": "A-1", "device": "gun-1", "readings": 2, "same": True,
        "reason": "37.1 °C, at or over the limit of 36.9 °C",
    }  # fmt: skip
