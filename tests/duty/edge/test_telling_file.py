from pathlib import Path

import msgspec
import pytest

from devices.edge.complaints import Complaint
from devices.edge.toml_lines import TomlFile, read_toml
from duty.edge.telling_file import from_toml, load
from duty.telling import Telling
from tests.house.tree import ROOT


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path / "threshold.toml") == Telling()


def test_a_sites_own_rows_take_the_place_of_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "telling.toml").write_text(
        "next_person_after_s = 60\nretry_pauses_s = [1, 2, 3]\nsay_fever = true\ncontacts_keep_days = 0\n"
    )
    rows = load(tmp_path / "threshold.toml")
    assert rows == Telling(next_person_after_s=60, retry_pauses_s=(1, 2, 3), say_fever=True, contacts_keep_days=0)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("next_person_after = 60", 1, "there is no row 'next_person_after'"),
        ("\nsay_fever = 1", 2, "say_fever must be true or false"),
        ("most_per_hour = 1.5", 1, "most_per_hour must be a whole number"),
        ("most_per_hour = 0", 1, "most_per_hour must lie between 1 and"),
        ("timeout_s = 'ten'", 1, "timeout_s must be a number"),
        ("timeout_s = nan", 1, "timeout_s must be a number"),
        ("timeout_s = inf", 1, "timeout_s must lie between"),
        ("timeout_s = true", 1, "timeout_s must be a number"),
        ("round_pauses_s = []", 1, "round_pauses_s must name at least one pause"),
        ("retry_pauses_s = [0]", 1, "retry_pauses_s must be a list of seconds"),
        ("next_person_after_s = 120000000", 1, "next_person_after_s must lie between"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(Complaint) as caught:
        from_toml(TomlFile("telling.toml", text))
    assert caught.value.line == line
    assert what in caught.value.what
    assert caught.value.remedy


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(Complaint) as caught:
        from_toml(TomlFile("telling.toml", "a = 1\ntimeout_s = 'x'\n"))
    assert len(caught.value.each()) == 2


def test_the_file_that_comes_with_it_names_every_row_with_its_default() -> None:
    file = read_toml(ROOT / "deploy" / "telling.toml")
    assert from_toml(file) == Telling()
    assert set(file.data) == {field.name for field in msgspec.structs.fields(Telling)}
