"""Commands as people and traces write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.commands import BadCommand, Command, parse_clock_min, parse_command, parse_time_ms

T = "2020-02-16T10:05:00+08:00"
GOOD: dict[str, dict[str, object]] = {
    "acknowledge": {"subject": "g017/3/1203", "kind": "fever", "role": "doctor"},
    "close": {"subject": "g017/3/1203", "kind": "fever", "role": "doctor", "disposition": "test", "note": "n"},
    "snooze": {"subject": "g017/3/1203", "kind": "tamper", "role": "worker", "until": T, "reason": "r"},
    "mute": {"household": "g017/3/1203", "role": "worker", "until": T, "reason": "r"},
    "declare": {"household": "g017/3/1203", "until": T, "reason": "rubbish"},
    "open-case": {"household": "g017/3/1203", "device": "d", "from": "2020-02-10T00:00:00+08:00", "until": T,
                  "wellbeing_call": "09:30", "visits": True},
    "close-case": {"household": "g017/3/1203", "reason": "r"},
    "retest": {"subject": "g017/north/gun@x"},
    "register": {"checkpoint": "g017/north", "pass": "A-1"},
    "visit": {"household": "g017/3/1203"},
    "call": {"household": "g017/3/1203"},
    "symptoms": {"household": "g017/3/1203", "symptoms": ["cough"]},
    "home-temperature": {"household": "g017/3/1203", "celsius": 36.6, "site": "ear"},
    "check-assigned": {"check": "c", "grid": "g017", "due": T},
    "check-returned": {"check": "c", "grid": "g017"},
    "tick": {},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(GOOD))
def test_each_command(name: str) -> None:
    command = parse_command({"command": name, "by": "w1", **GOOD[name]}, 7, "id")
    assert isinstance(command, Command)
    assert (command.name, command.at_ms, command.id) == (name, 7, "id")
    assert command.grid == ("" if name == "tick" else "g017")


@pytest.mark.parametrize(("name", "field"), [(n, f) for n in sorted(GOOD) for f in GOOD[n]])
def test_a_wrong_type_in_any_field_is_malformed(name: str, field: str) -> None:
    for wrong in ({"a": 1}, [1], 1.5 if field not in ("celsius",) else "x"):
        bad = parse_command({"command": name, "by": "w1", **GOOD[name], field: wrong}, 7, "id")
        assert isinstance(bad, BadCommand), (field, wrong)
        assert bad.reason == "malformed" and bad.detail


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
                    lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8),
       st.sampled_from(sorted(GOOD)), st.data())  # fmt: skip
def test_nothing_raises(value: object, name: str, data: st.DataObject) -> None:
    fields = dict(GOOD[name])
    if fields:
        fields[data.draw(st.sampled_from(sorted(fields)))] = value
    assert isinstance(parse_command({"command": name, "by": value, **fields}, 7, "id"), Command | BadCommand)
    assert isinstance(parse_command({"command": value}, 7, "id"), BadCommand)


def test_times() -> None:
    assert parse_time_ms("1970-01-01T08:00:00+08:00") == 0
    assert parse_time_ms("2020-02-16T01:30:00.250Z") == 1_581_816_600_250
    assert parse_time_ms(5) == 5
    for wrong in ("2020-02-16T10:00:00", "yesterday", True, None, -1, 10**18, 1.5):
        with pytest.raises(ValueError):
            parse_time_ms(wrong)


def test_times_of_day() -> None:
    assert parse_clock_min("09:30") == 570
    for wrong in ("24:00", "9:30", "09:60", "", None, 570, "٠٩:٣٠"[:5] + "x"):
        with pytest.raises(ValueError):
            parse_clock_min(wrong)
