import pytest

from devices.places import building_of, grid_of, is_checkpoint, is_grid, is_household, is_word


@pytest.mark.parametrize(
    ("text", "household", "checkpoint"),
    [("g017/3/1203", True, False), ("g017/north", False, True), ("g017", False, False), ("g017//1203", False, False),
     ("g017/3/1203/a", False, False), ("", False, False), ("bridge/z2m", False, False), ("system/sink/1", False, False),
     ("g017/3/12 03", False, False), ("惠民/北门", False, True), ("g017/3/" + "1" * 41, False, False)],
)  # fmt: skip
def test_forms(text: str, household: bool, checkpoint: bool) -> None:
    assert is_household(text) is household
    assert is_checkpoint(text) is checkpoint


def test_parts() -> None:
    assert grid_of("g017/3/1203") == "g017"
    assert building_of("g017/3/1203") == "g017/3"


@pytest.mark.parametrize("text", ["bridge", "system", "", "a/b", "a b", "#", "+", "a\n"])
def test_what_names_no_grid(text: str) -> None:
    assert not is_grid(text)


def test_words() -> None:
    assert is_word("A-0193") and is_word("三号楼") and not is_word("x" * 41)
