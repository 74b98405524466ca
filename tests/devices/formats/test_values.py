import pytest

from devices.events import Message
from devices.formats.values import epoch_any, epoch_ms, epoch_s, iso_ms, percent, report_of, signal, word


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2020-02-16T09:30:00+08:00", 1_581_816_600_000),
        ("2020-02-16T01:30:00Z", 1_581_816_600_000),
        ("2020-02-16t01:30:00z", 1_581_816_600_000),
        ("2020-02-16 01:30:00.250+00:00", 1_581_816_600_250),
        ("20200216T013000Z", 1_581_816_600_000),
        ("2022-07-18T09:34:15.775023242+00:00", 1_658_136_855_775),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59Z", -1000),
        ("2020-02-16T09:30:00", None),
        ("2020-02-16", None),
        ("", None),
        ("yesterday, about noon", None),
        ("2020-13-45T99:99:99Z", None),
        ("2020-02-16T09:30:00+99:00", None),
        ("2" * 41, None),
    ],
)
def test_an_instant_says_its_zone(text, at_ms):
    assert iso_ms(text) == at_ms


def test_the_first_and_the_last_instant_there_are():
    first, last = iso_ms("0001-01-01T00:00:00+14:00"), iso_ms("9999-12-31T23:59:59-14:00")
    assert first is not None
    assert last is not None
    assert first < 0 < last


def test_numbers_as_times():
    assert (epoch_ms(5.0), epoch_ms(-1), epoch_ms(1e300)) == (5, None, None)
    assert (epoch_s(1.5), epoch_s(1e300)) == (1500, None)
    assert (epoch_any(1_581_816_600), epoch_any(1_581_816_600_000)) == (1_581_816_600_000, 1_581_816_600_000)


@pytest.mark.parametrize(("number", "level"), [(0, 0), (100, 100), (-1, None), (101, None), (255, None), (None, None)])
def test_a_battery_level_as_it_can_be(number, level):
    assert percent(number) == level


@pytest.mark.parametrize(
    ("number", "strength"),
    [(144, 144.0), (-63, -63.0), (0, 0.0), (True, None), ("9", None), (None, None), (1e9, None), ([], None)],
)
def test_a_signal_spoils_no_message(number, strength):
    assert signal(number) == strength


@pytest.mark.parametrize(
    ("payload", "text"), [(b" open\n", "open"), (b"", ""), (b"x" * 65, ""), (b"\xff", ""), ("门".encode(), "")]
)
def test_a_bare_word(payload, text):
    assert word(payload) == text


def test_what_a_broker_kept_is_a_state():
    assert report_of(Message("t", b"", 0, retained=True)) == "retained"
    assert report_of(Message("t", b"", 0)) == "live"
