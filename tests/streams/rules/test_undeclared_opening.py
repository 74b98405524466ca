import pytest

from streams.rules.undeclared_opening import KIND, most_within
from tests.streams.core import Core, ms

MIN = 60_000


def shut() -> Core:
    core = Core()
    core.at("09:00").closes()
    core.effects.clear()
    return core


def test_an_opening_is_raised_and_the_worker_paged() -> None:
    core = shut()
    core.at("09:30").opens()
    assert core.said() == [f"raised {KIND}", "page worker"]


def test_the_same_again_is_no_second_opening() -> None:
    core = shut()
    core.at("09:30").opens()
    core.at("09:31").opens()
    assert core.said() == [f"raised {KIND}", "page worker"]


@pytest.mark.parametrize("report", ["retained", "periodic", "poweron"])
def test_a_state_that_differs_is_found_open_at_its_arrival(report: str) -> None:
    core = shut()
    core.at("09:30").opens(report=report, device_ms=ms("09:10"))
    raised = core.decisions()[0]
    assert (raised.decision, raised.reason.word, raised.at_ms) == ("raised", "found-open", None)


def test_no_case_no_opening() -> None:
    core = Core(case=False)
    core.at("09:00").closes()
    core.at("09:30").opens()
    assert core.said() == []


def test_a_late_opening_says_so() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("10:00").opens(device_ms=ms("09:50"))
    raised = core.decisions()[0]
    assert (raised.reason.word, raised.at_ms, raised.t_ms) == ("opened-late", ms("09:50"), ms("10:00"))


def test_over_an_hour_late_it_climbs_to_the_supervisor_only() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("11:00").opens(device_ms=ms("09:59"))
    core.effects.clear()
    assert core.at("11:59").said() == []
    assert core.at("12:00").said() == ["page supervisor"]


def test_three_late_ones_do_not_call_the_police() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    for n in range(3):
        core.at(f"12:0{n}").opens(device_ms=ms(f"09:1{n}") + 1)
        core.closes(device_ms=ms(f"09:1{n}") + 2)
    assert "page police" not in core.said()


def test_a_live_opening_lifts_what_a_late_one_held() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("11:00").opens(device_ms=ms("09:59"))
    core.closes(device_ms=ms("10:00"))
    core.at("11:01").opens(device_ms=ms("11:01"))
    core.effects.clear()
    assert core.at("11:06").said() == ["page police", "page doctor"]


@pytest.mark.parametrize(
    ("times", "at", "most"),
    [([0], 0, 1), ([0, 10, 30], 30, 3), ([0, 10, 31], 31, 2), ([0, 29, 40], 29, 2), ([0, 15, 30, 45], 15, 3),
     ([5, 5, 5], 5, 3), ([0, 100], 100, 1)],
)  # fmt: skip
def test_most_within_thirty_minutes(times: list[int], at: int, most: int) -> None:
    assert most_within([t * MIN for t in times], at * MIN, 30 * MIN) == most


def test_a_late_opening_between_two_makes_three() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("09:30").opens(device_ms=ms("09:30"))
    core.closes(device_ms=ms("09:30") + 5000)
    core.at("09:34").opens(device_ms=ms("09:34"))
    core.closes(device_ms=ms("09:34") + 5000)
    core.effects.clear()
    core.at("09:34:30").opens(device_ms=ms("09:32"))
    assert core.said() == [f"repeated {KIND}", "page police", "page doctor"]


def test_it_clears_ten_minutes_after_the_last_closing() -> None:
    core = shut()
    core.at("09:30").opens()
    core.at("09:31").closes()
    core.acknowledges(KIND)
    core.effects.clear()
    assert core.at("09:40:59").said() == []
    assert core.at("09:41").said() == [f"cleared {KIND}"]


def test_an_opening_in_between_stops_the_clearing() -> None:
    core = shut()
    core.at("09:30").opens()
    core.at("09:31").closes()
    core.acknowledges(KIND)
    core.at("09:35").command("declare", household="g017/3/1203", until=ms("09:50"), reason="x", by="resident")
    core.at("09:40").opens()
    core.effects.clear()
    assert core.at("09:45").said() == []
