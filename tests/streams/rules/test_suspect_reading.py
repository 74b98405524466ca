import pytest

from streams.rules.suspect_reading import KIND
from tests.streams.core import Core


def test_a_normal_reading_passes() -> None:
    core = Core()
    core.reads(36.8, "A-1")
    assert core.answers() == ["pass"]


@pytest.mark.parametrize(
    ("site", "limit"),
    [("axilla", 37.3), ("ear", 37.5), ("forehead", 36.9), ("wrist", 36.8), ("neck", 37.2), ("", 37.3), ("knee", 37.3)],
)
def test_at_or_over_the_sites_limit_is_suspect(site: str, limit: float) -> None:
    core = Core()
    core.reads(limit - 0.1, "A-1", site)
    assert core.said() == []
    core.reads(limit, "A-2", site)
    assert core.said() == [f"raised {KIND}", "page guard"]


def test_the_screen_leads_through_three_readings() -> None:
    core = Core()
    for celsius in (37.0, 36.5, 36.4):
        core.reads(celsius, "A-1")
    assert core.answers() == ["again", "again", "pass"]


def test_two_below_let_go() -> None:
    core = Core()
    for celsius in (37.0, 36.5, 36.4):
        core.reads(celsius, "A-1")
    assert core.said()[-2:] == [f"cleared {KIND}", f"closed {KIND}"]
    assert "page worker" not in core.at("12:00").said()


def test_a_reading_before_the_first_over_does_not_count() -> None:
    core = Core()
    core.reads(36.5, "A-1")
    core.reads(37.0, "A-1")
    core.reads(36.5, "A-1")
    assert f"cleared {KIND}" not in core.said()


def test_asking_again_is_no_second_page() -> None:
    core = Core()
    core.reads(37.0, "A-1")
    core.reads(36.5, "A-1")
    assert core.said().count("page guard") == 1


def test_one_over_and_nothing_after_it() -> None:
    core = Core()
    core.reads(37.0, "A-1")
    core.effects.clear()
    assert core.at("08:10").said() == ["page worker"]
    assert core.at("09:00").said() == [f"closed {KIND}"]


def test_the_same_pass_after_ten_minutes_is_somebody_else() -> None:
    core = Core()
    core.reads(37.0, "A-1")
    core.reads(36.5, "A-1")
    core.at("08:10")
    core.effects.clear()
    core.at("08:11").reads(37.0, "A-1")
    assert core.said() == [f"raised {KIND}", "page guard"]


def test_an_unreliable_low_one_neither_counts_nor_clears() -> None:
    core = Core()
    core.reads(37.0, "A-1")
    core.effects.clear()
    for _ in range(3):
        core.reads(36.0, "A-1", ambient_celsius=15.9)
    assert core.answers() == ["again"] * 3
    assert core.incident(KIND, "g017/north/A-1") is not None


@pytest.mark.parametrize("ambient", [16, 40, 25])
def test_the_ends_of_the_range_are_reliable(ambient: float) -> None:
    core = Core()
    core.reads(36.0, "A-1", ambient_celsius=ambient)
    assert core.answers() == ["pass"]


def test_an_unreliable_high_one_counts() -> None:
    core = Core()
    core.reads(37.0, "A-1", ambient_celsius=-10)
    assert core.said()[0] == f"raised {KIND}"


def test_no_reading_is_answered_and_is_none_of_the_three() -> None:
    core = Core()
    core.reads(37.0, "A-1")
    core.effects.clear()
    core.reads(34.1, "A-1", implausible=True)
    core.reads(44.0, "A-1", implausible=True)
    assert core.answers() == ["no-reading", "no-reading"]
    person = core.engine.records["r:g017/north/A-1"]
    assert (person.over, person.below) == (1, 0)  # type: ignore[union-attr]


def test_without_a_pass_ninety_seconds_are_one_person() -> None:
    core = Core()
    core.reads(37.0)
    core.at("08:01:30").reads(37.0)
    assert "raised fever" in core.said()
    other = Core()
    other.reads(37.0)
    other.at("08:01:31").reads(37.0)
    assert other.said().count(f"raised {KIND}") == 2


def test_confirmed_before_the_low_readings_they_count_at_once() -> None:
    core = Core()
    core.reads(37.4)
    subject = core.decisions()[0].subject
    core.at("08:00:10").command("retest", subject=subject, role="guard")
    core.reads(36.4)
    core.reads(36.4)
    assert core.said()[-2:] == [f"cleared {KIND}", f"closed {KIND}"]


def test_not_confirmed_the_worker_hears_of_it() -> None:
    core = Core()
    core.reads(37.3)
    core.reads(36.4)
    core.effects.clear()
    assert core.at("08:10").said() == ["page worker"]


def test_a_retest_of_nothing_is_refused() -> None:
    core = Core()
    core.command("retest", subject="g017/north/nobody", role="guard")
    assert core.said() == ["rejected unknown-subject"]
