"""The cluster runtime on a real Kafka: the stories."""

import asyncio
import time
from typing import Any

import pytest

from streams.edge.cluster_worker import GRACE_MS, Worker
from streams.edge.kafka import quiet
from streams.edge.live_clock import LiveClock
from streams.edge.policy_file import load as load_policy
from streams.edge.topics import prepare
from streams.effects import Decision
from tests.live.cluster_site import ClusterSite
from tests.scenarios.players import inbox_of, merged, until_ms
from tests.scenarios.story import Story, all_stories, check
from tests.servers import Kafka

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

STORIES = all_stories()
PARTITIONS = 4


@pytest.fixture(autouse=True)
def _quiet() -> None:
    quiet()


# ── the stories ──


@pytest.fixture(scope="module")
def played(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Every story played on a worker, each on a partition of its own; what was decided, by story."""
    decided: dict[str, list[dict[str, Any]]] = {}
    for policy in {story.policy for story in STORIES}:
        stories = [story for story in STORIES if story.policy == policy]
        site = ClusterSite(tmp_path_factory.mktemp("stories"), kafka.url, partitions=len(stories), standby_replicas=0)
        decided |= play(site, stories)
        site.close()
    return decided


def play(site: ClusterSite, stories: list[Story]) -> dict[str, list[dict[str, Any]]]:
    prepare(site.settings)
    policy = load_policy(stories[0].policy)
    refused: list[list[Decision]] = []
    for number, story in enumerate(stories):
        frames, not_taken = inbox_of(story)
        site.put(number, *frames)
        refused.append(not_taken)
    ends = site.reader("inbox").ends(range(len(stories)))
    failed: list[BaseException] = []

    async def run() -> None:
        # The end of the story has come from the beginning on: only what is still unread holds a timer back.
        worker = Worker(
            site.settings,
            policy,
            clocks=lambda number: LiveClock(lambda: until_ms(stories[number]) + GRACE_MS, lambda: 0.0),
            fail=failed.append,
        )
        await worker.start()

        def done() -> bool:
            return len(worker.runners) == len(stories) and all(
                runner.part.offset >= ends[number]
                and runner.idle.is_set()
                and not ((due_ms := runner.part.engine.next_wake_ms) and due_ms <= until_ms(stories[number]))
                for number, runner in worker.runners.items()
            )

        end_s = time.monotonic() + 240
        while not done() and not failed:
            assert time.monotonic() < end_s, worker.says()
            await asyncio.sleep(0.05)
        await worker.stop()

    asyncio.run(run())
    assert failed == []
    decided = [[e for e in site.decided(n) if isinstance(e, Decision)] for n in range(len(stories))]
    return {story.name: merged(decided[n], refused[n], policy) for n, story in enumerate(stories)}


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
def test_a_story_on_the_cluster(story: Story, played: dict[str, list[dict[str, Any]]]) -> None:
    check(story, played[story.name])
