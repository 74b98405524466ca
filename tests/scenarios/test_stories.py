"""Every story on every runtime."""

from pathlib import Path

import pytest

from tests.scenarios.players import on_local, on_replay
from tests.scenarios.story import Story, all_stories, check

STORIES = all_stories()


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
def test_on_replay(story: Story) -> None:
    check(story, on_replay(story))


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
def test_on_the_local_runtime(story: Story, tmp_path: Path) -> None:
    check(story, on_local(tmp_path)(story))


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
def test_on_a_local_runtime_that_dies_after_every_frame(story: Story, tmp_path: Path) -> None:
    check(story, on_local(tmp_path, frames_a_life=1)(story))
