"""Places, parsed once: grid `g017`, building `g017/3`, household `g017/3/1203`, checkpoint `g017/north`."""

import re
from typing import Literal

Where = Literal["household", "checkpoint", "bridge", "pool"]

_WORD = re.compile(r"[A-Za-z0-9_.\-一-鿿]{1,40}\Z")
_RESERVED = frozenset({"bridge", "system"})


def is_word(text: str) -> bool:
    """Whether `text` may name a grid, a building, a unit or a checkpoint."""
    return _WORD.match(text) is not None


def is_grid(text: str) -> bool:
    """Whether `text` may name a grid (`bridge` and `system` name subjects of another sort)."""
    return is_word(text) and text not in _RESERVED


def is_household(text: str) -> bool:
    """Whether `text` has the form grid/building/unit."""
    parts = text.split("/")
    return len(parts) == 3 and is_grid(parts[0]) and is_word(parts[1]) and is_word(parts[2])


def is_checkpoint(text: str) -> bool:
    """Whether `text` has the form grid/checkpoint."""
    parts = text.split("/")
    return len(parts) == 2 and is_grid(parts[0]) and is_word(parts[1])


def grid_of(place: str) -> str:
    """The grid of a household, checkpoint, pass or building."""
    return place.partition("/")[0]


def building_of(household: str) -> str:
    """`g017/3` of `g017/3/1203`."""
    return household.rpartition("/")[0]
