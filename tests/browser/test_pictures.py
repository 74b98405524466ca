"""The README shows a picture of each screen, and every one of them can be made again."""

import re
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import SIZES
from tests.browser.pictures import KEPT, PICTURES, folder, take
from tests.desk_world import Served
from tests.house.tree import ROOT

MOST_BYTES = 1_500_000  # all together: they come with every clone


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height, from a PNG's own header."""
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n"), picture
    return struct.unpack(">II", head[16:24])


@pytest.mark.timeout(600)
def test_every_picture_can_be_made_again(served: Served, browser: Any) -> None:
    take(served, browser, folder())
    made = {file.name for file in folder().glob("*.png")}
    assert made >= {f"{name}.png" for name, *_ in PICTURES}
    for name, *_ in PICTURES:
        assert size_of(folder() / f"{name}.png") == SIZES["phone"]


def test_the_readme_shows_each_of_them_and_they_are_small() -> None:
    shown = re.findall(r'src="docs/pictures/([\w-]+)\.png"', (ROOT / "README.md").read_text("utf-8"))
    assert shown == [name for name, *_ in PICTURES]
    assert sorted(file.stem for file in KEPT.glob("*.png")) == sorted(shown)
    assert all(size_of(file) == SIZES["phone"] for file in KEPT.glob("*.png"))
    assert sum(file.stat().st_size for file in KEPT.glob("*.png")) < MOST_BYTES
