"""A desk at 02:37 of one night, with its people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()
