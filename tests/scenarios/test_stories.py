"""Every story on every runtime."""

import pytest

from tests.scenarios.players import on_replay
from tests.scenarios.story import Story, all_stories, check

STORIES = all_stories()


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
def test_on_replay(story: Story) -> None:
    check(story, on_replay(story))
