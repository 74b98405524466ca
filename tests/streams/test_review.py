"""What the review screens draw: openings, readings by hour, and guns that drift."""

from streams.measurements import Point
from streams.review import GunDrift, HourOfReadings, Opening, gun_drift, openings, readings_by_hour

T0_MS = 1_581_814_800_000  # a whole hour


def door(at_ms: int, is_open: bool, *, device: str = "d1", report: str = "live") -> Point:
    return Point("door", ("g1", "3", "h", device, report), (int(is_open), None, None), at_ms * 1_000_000)


def reading(at_ms: int, celsius: float, *, gun: str = "gun-1", site: str = "forehead", implausible=None) -> Point:
    return Point("temperature", ("g1", "", "north", "", gun, site), (celsius, None, implausible), at_ms * 1_000_000)


def test_an_opening_is_from_open_to_closed():
    assert openings([door(10, True), door(20, False), door(30, True)]) == [
        Opening(10, 20, "d1"),
        Opening(30, None, "d1"),
    ]


def test_repeated_reports_are_the_same_opening():
    points = [door(5, False), door(10, True), door(15, True, report="periodic"), door(20, False), door(25, False)]
    assert openings(points) == [Opening(10, 20, "d1")]


def test_two_doors_of_a_household_are_told_apart():
    points = [door(10, True), door(11, True, device="d2"), door(12, False), door(20, False, device="d2")]
    assert openings(points) == [Opening(10, 12, "d1"), Opening(11, 20, "d2")]


def test_an_opening_first_seen_by_a_state_report_says_so():
    assert openings([door(10, True, report="retained")]) == [Opening(10, None, "d1", found=True)]


def test_readings_are_summed_up_by_the_hour():
    values = (36.0, 36.2, 36.4, 36.6, 36.8)
    points = [reading(T0_MS + n, value) for n, value in enumerate(values)]
    points += [reading(T0_MS + 10, 20.0, implausible=1), reading(T0_MS + 3_600_000, 37.0)]
    assert readings_by_hour(points) == [
        HourOfReadings(T0_MS, 5, 36.0, 36.2, 36.4, 36.6, 36.8),
        HourOfReadings(T0_MS + 3_600_000, 1, 37.0, 37.0, 37.0, 37.0, 37.0),
    ]


def morning(gun: str, offset: float, *, count: int = 40, site: str = "forehead") -> list[Point]:
    """Forty readings that warm up over two hours, as people's foreheads do."""
    return [
        reading(T0_MS + n * 180_000, round(35.8 + n * 0.02 + (n % 5) * 0.1 + offset, 2), gun=gun, site=site)
        for n in range(count)
    ]


def test_a_gun_that_reads_warm_stands_out_and_the_cold_morning_does_not():
    points = morning("gun-1", 0) + morning("gun-2", 0.02) + morning("gun-3", 0.4)
    first, *others = gun_drift(points)
    assert first.device == "gun-3"
    assert 0.3 <= first.drift <= 0.5
    assert all(abs(gun.drift) < 0.25 for gun in others)
    assert [gun.against for gun in gun_drift(points)] == [2, 2, 2]


def test_of_two_guns_that_differ_either_may_be_off():
    one, other = gun_drift(morning("gun-1", 0) + morning("gun-2", 0.5))
    assert (one.drift, one.against, other.against) == (-other.drift, 1, 1)


def test_fevers_are_no_drift_and_sites_are_not_mixed():
    crowd = morning("gun-1", 0) + morning("gun-2", 0)
    fevers = [reading(T0_MS + n, 38.9, gun="gun-1") for n in range(30)]
    ears = morning("gun-9", 1.0, site="ear")
    assert {gun.device: gun.drift for gun in gun_drift(crowd + fevers + ears)} == {"gun-1": 0.0, "gun-2": 0.0}


def test_one_gun_alone_or_with_few_readings_is_not_judged():
    assert gun_drift(morning("gun-1", 0.5)) == []
    few = gun_drift(morning("gun-1", 0) + morning("gun-2", 0.5, count=5))
    assert "gun-2" not in [gun.device for gun in few]
    assert all(isinstance(gun, GunDrift) for gun in few)
