"""The key of the pseudonyms: made once, for this user alone; without it nothing is linked."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.edge.pseudonym import hasher, load_key, of_case

HOME = "g017/3/1203"


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path):
    key = load_key(tmp_path)
    assert load_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "series.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["series.key"]


def test_processes_that_start_together_end_with_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_key(tmp_path), range(40)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["series.key"]


def test_a_pseudonym_depends_on_household_case_and_key(tmp_path):
    key = load_key(tmp_path)
    names = {of_case(key, HOME, 1), of_case(key, HOME, 2), of_case(key, "g017/3/1204", 1), of_case(b"k" * 32, HOME, 1)}
    assert len(names) == 4
    assert all(re.fullmatch(r"[0-9a-f]{16}", name) for name in names)
    assert of_case(key, HOME, 1) == hasher(key)(f"{HOME}@1")


@pytest.mark.parametrize("text", ["", "00ff", "not hexadecimal"])
def test_a_broken_key_is_not_used(tmp_path, text):
    (tmp_path / "series.key").write_text(text)
    with pytest.raises(ValueError):
        load_key(tmp_path)
