"""The table of measurements: bounded tags, one meaning each, and the page of the docs that is made from it."""

from pathlib import Path

from streams.measurements import BY_NAME, STAGES, TABLE, TAGS, Point, as_markdown, named

DOCS = Path(__file__).resolve().parents[2] / "docs" / "series.md"


def test_every_tag_is_explained_and_none_is_free_text():
    used = {tag for row in TABLE for tag in row.tags}
    assert used == set(TAGS)
    assert not used & {"name", "phone", "unit", "pass", "note", "by", "incident", "subject", "page", "id"}


def test_names_are_unique_and_fields_do_not_hide_tags():
    assert len(BY_NAME) == len(TABLE)
    for row in TABLE:
        names = [*row.tags, *(field.name for field in row.fields)]
        assert len(set(names)) == len(names)
        assert not set(names) & {"at", "at_ms", "series", "id", "time"}


def test_only_what_is_raw_and_short_lived_can_be_linked_to_a_household():
    assert {row.keep for row in TABLE if "household" in row.tags} == {"raw"}


def test_a_point_for_people_names_what_it_has():
    point = Point("door", ("g1", "3", "", "", "live"), (1, None, 40), 1_581_816_600_000_123_456)
    assert named(point) == {
        "at_ms": 1_581_816_600_000,
        "grid": "g1",
        "building": "3",
        "report": "live",
        "open": 1,
        "late_ms": 40,
    }


def test_the_docs_hold_this_table():
    assert as_markdown() in DOCS.read_text(encoding="utf-8"), "run: python -m tests.streams.write_series_docs"


def test_the_page_names_everything():
    page = as_markdown()
    for name in (*BY_NAME, *TAGS, *STAGES):
        assert f"`{name}`" in page
