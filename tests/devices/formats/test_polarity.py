import pytest

from devices.events import Rejected
from devices.formats.polarity import NEITHER, NOT_SAID, is_open, is_open_bit
from tests.devices.formats.routing import door


def row(open_is, **options):
    return door("tasmota", "t", open_is=open_is, options=options)


@pytest.mark.parametrize(
    ("open_is", "said", "opened"),
    [
        ("ON", "ON", True),
        ("ON", "off", False),
        ("off", "OFF", True),
        ("off", "on", False),
        ("1", "1", True),
        ("0", "1", False),
        ("true", "False", False),
        ("open", "closed", False),
        ("ON", "TOGGLE", NEITHER),
        ("ON", "0", NEITHER),
        ("", "ON", NOT_SAID),
        ("AJAR", "AJAR", True),
        ("AJAR", "SHUT", NEITHER),
    ],
)
def test_the_row_says_what_open_is(open_is, said, opened):
    assert is_open(said, row(open_is)) == opened


def test_words_of_its_own_have_an_opposite_of_their_own():
    assert is_open("SHUT", row("AJAR", closed_is="shut")) is False
    assert is_open("OFF", row("ON", closed_is="SHUT")) == NEITHER


@pytest.mark.parametrize("open_is", ["1", "true", "ON"])
def test_a_bit(open_is):
    assert is_open_bit(True, row(open_is)) is True
    assert is_open_bit(False, row(open_is)) is False


@pytest.mark.parametrize("open_is", ["0", "false", "OFF"])
def test_a_bit_the_other_way_round(open_is):
    assert is_open_bit(True, row(open_is)) is False
    assert is_open_bit(False, row(open_is)) is True


def test_a_bit_is_never_guessed():
    assert isinstance(is_open_bit(True, row("")), Rejected)
    assert isinstance(is_open_bit(True, row("ajar")), Rejected)
