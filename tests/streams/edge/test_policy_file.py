"""A policy that would silence something is refused, with its line."""

from pathlib import Path

import pytest

from devices.edge.complaints import Complaint
from streams.edge.policy_file import complaints, default_path, load

BAD: list[tuple[str, int, str]] = [
    ("[ladder.fever]\npage = []\n", 2, "nobody is named"),
    ("[ladder.fever]\npage = ['nurse']\n", 2, "no role 'nurse'"),
    ("[ladder.fewer]\npage = ['doctor']\n", 1, "no kind 'fewer'"),
    ("[ladder.fever]\npage = ['doctor']\nhours = ['08:00','20:00']\n", 3, "quiet hours would silence fever"),
    ("[ladder.fever]\npage = ['doctor']\nsteps = [{ roles = ['worker'] }]\n", 3, "never goes out"),
    ("[ladder.fever]\npage = ['doctor']\nsteps = [{ roles = [], after_min = 5 }]\n", 3, "nobody is named"),
    ("[ladder.fever]\npage = ['doctor', 'doctor']\n", 2, "named twice"),
    ("[ladder.fever]\npage = ['doctor']\nafter = 5\n", 3, "no row 'after'"),
    ("[limits_celsius]\nforehead = 50\n", 2, "outside"),
    ("[limits_celsius]\nforehead = 38.9\n", 2, "above fever_at_once_celsius"),
    ("[limits_celsius]\nfourhead = 37\n", 2, "no row 'fourhead'"),
    ("[readings]\nplausible_low_celsius = 'cold'\n", 2, "must be a number"),
    ("[sensors]\narea_sensors = 2.5\n", 2, "whole number"),
    ("[sensors]\nbattery_well_percent = 10\n", 2, "below"),
    ("[people]\nmute_most_min = 100000\n", 2, "outside"),
    ("[[permitted]]\nfrom = '07:00'\nto = '23:00'\n", 1, "silence the door"),
    ("[[permitted]]\nfrom = '7:00'\nto = '08:00'\n", 1, "two times of day"),
    ("time_zone = 'Asia/Nowhere'\n", 1, "no time zone"),
    ("[rounds]\nmorning_visit_by = '19:00'\n", 1, "after the afternoon"),
    ("colour = 'red'\n", 1, "no table or row 'colour'"),
    ("[doors\n", 1, "TOML"),
]


@pytest.mark.parametrize(("text", "line", "what"), BAD, ids=[what for _, _, what in BAD])
def test_a_mistake_is_said_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    found = complaints(path)
    assert any(c.line == line and what in c.what for c in found), [str(c) for c in found]
    assert all(c.file == str(path) for c in found)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[doors]\nleft_open_min = 0\n[sensors]\narea_share = 7\n")
    assert [c.line for c in complaints(path)] == [2, 4]


def test_the_default_is_good_and_its_rows_are_the_contracts() -> None:
    assert complaints(None) == []
    policy = load()
    assert policy.limits_celsius == {
        "axilla": 37.3,
        "ear": 37.5,
        "forehead": 36.9,
        "wrist": 36.8,
        "neck": 37.2,
        "": 37.3,
    }
    step = policy.ladders["undeclared-opening"].steps[0]
    assert (step.roles, step.after_min, step.openings, step.within_min) == (("police", "doctor"), 5, 3, 30)
    assert (policy.acknowledgement_min, policy.not_closed_min, policy.same_person_s) == (30, 60, 90)


def test_a_row_left_out_takes_the_default(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[doors]\nleft_open_min = 7\n")
    policy = load(path)
    assert (policy.left_open_min, policy.opening_cleared_min) == (7, 10)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Complaint, match="no such file"):
        load(tmp_path / "nowhere.toml")


def test_every_number_of_the_file_says_what_it_is() -> None:
    for line in default_path().read_text("utf-8").splitlines():
        if line.startswith(("page", "steps", "[", "]", "#", " ", "roles")) or "=" not in line:
            continue
        assert line.split("=")[0].strip(), line
