"""The pages in docs/formats are what the tables say today."""

import msgspec
import pytest

from deploy.format_guides import GUIDES
from deploy.format_pages import PAGES, POLICY, main, noticed, page, pages, picture
from devices.edge import fleet_file
from devices.formats import table
from devices.profile import Profile
from streams.edge import policy_file

FORMATS = table()


def test_the_pages_are_up_to_date():
    there = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    made = pages()
    assert set(there) == set(made), "run python -m deploy.format_pages"
    old = [name for name, text in made.items() if there[name] != text]
    assert not old, f"run python -m deploy.format_pages: {', '.join(old)}"


def test_writing_them_removes_what_is_no_format_any_more(tmp_path, capsys):
    (tmp_path / "telepathy.md").write_text("old")
    assert main(tmp_path) == 0
    assert {path.stem for path in tmp_path.iterdir()} == {"README", *FORMATS}
    assert "19 pages" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_row_on_a_page_is_one_that_a_fleet_file_may_hold(name, tmp_path):
    text = pages()[f"{name}.md"]
    row = text.partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "fleet.toml"
    path.write_text(row, encoding="utf-8")
    (device,) = fleet_file.load(path).devices.values()
    assert device.format == name


def test_a_page_follows_its_profile():
    policy = policy_file.load(POLICY)
    form = FORMATS["zigbee2mqtt"]
    counting = msgspec.structs.replace(form, profile=Profile(report_every_s=60, counts_openings=True))
    before, after = page(form, GUIDES["zigbee2mqtt"], policy), page(counting, GUIDES["zigbee2mqtt"], policy)
    assert "| openings lost on the way are found by a counter | no |" in before
    assert "| openings lost on the way are found by a counter | yes |" in after


@pytest.mark.parametrize(
    ("every_s", "words"),
    [
        (60, "after 10 min of silence"),
        (600, "after 25 min of silence"),
        (3600, "after 2.5 h of silence"),
        (None, "10 min after its last will, or by the row's `report_every_s`"),
    ],
)
def test_when_silence_is_noticed(every_s, words):
    assert noticed(Profile(report_every_s=every_s), policy_file.load(POLICY)) == words


def test_the_picture_ends_on_disk():
    for guide in GUIDES.values():
        drawn = picture(guide)
        assert drawn.splitlines()[-1].endswith("inbox")
        assert all(who in drawn for who, _ in guide.way)
