"""The site's files, read again when they were changed."""

import os
from pathlib import Path

from duty.edge.desk.files import NO_POLICY, SiteFiles, read_policy
from tests.desk_story import FLEET, POLICY


def files(folder: Path) -> SiteFiles:
    (folder / "fleet.toml").write_text(FLEET, "utf-8")
    return SiteFiles(folder / "fleet.toml", POLICY)


def test_checkpoints_and_their_thermometers_are_those_of_the_fleet(tmp_path: Path) -> None:
    site = files(tmp_path)
    assert site.checkpoints() == ["g017/north"]
    assert [each.id for each in site.checkpoint_devices("g017/north")] == ["gun-north-1", "screen-north"]
    assert site.checkpoint_devices("g017/south") == []


def test_a_changed_fleet_is_read_again_and_a_mistaken_one_changes_nothing(tmp_path: Path) -> None:
    site = files(tmp_path)
    assert len(site.fleet().devices) == 4
    path = tmp_path / "fleet.toml"
    path.write_text(FLEET + "\n[[device]]\nid = 7\n", "utf-8")
    assert len(site.fleet().devices) == 4
    more = (
        '\n[[device]]\nid = "pool-02"\nformat = "native"\ntopic = "threshold/pool/pool-02/door"\nhousehold = "pool"\n'
    )
    path.write_text(FLEET + more, "utf-8")
    os.utime(path, (1, 1))
    assert len(site.fleet().devices) == 5


def test_the_policy_is_shown_as_it_stands_in_the_file() -> None:
    policy = read_policy(POLICY)
    assert policy.limits["forehead"] == 36.9
    assert policy.limits[""] == 37.3
    assert policy.plausible == (35.0, 42.5)
    assert policy.at_once == 38.5
    assert policy.ladders["fever"]["page"] == ["doctor"]
    row = next(each for each in policy.rows if each.key == "left_open_min")
    assert (row.table, row.value, row.comment) == ("doors", "5", "open longer than this is left open …")


def test_no_policy_file_is_the_default(tmp_path: Path) -> None:
    assert SiteFiles(tmp_path / "none", tmp_path / "none").policy() == NO_POLICY
