"""The watch over every partition, at its end: Kafka is not needed for it (with Kafka: tests/live)."""

from threading import Event

import pytest
from aiokafka.errors import KafkaConnectionError

from devices.edge.settings import Settings
from streams.edge import progress_watch as module
from streams.edge.progress_watch import ProgressWatch
from streams.edge.reporter import Teller, Word


class Nobody(Teller):
    def _send(self, part: str, word: Word) -> str:
        return ""


class Slow:
    """A broker that answers only when the test lets it, and then is gone."""

    asked, go_on = Event(), Event()

    def __init__(self, *_: object) -> None:
        pass

    async def committed(self, *_: object) -> dict[int, int]:
        self.asked.set()
        assert self.go_on.wait(60)
        return {0: 1}

    async def ends(self, *_: object) -> dict[int, int]:
        return {0: 5}

    async def close(self) -> None:
        raise KafkaConnectionError("gone")


def test_a_process_that_is_told_to_stop_is_not_ended_by_what_the_watch_still_finds(monkeypatch: pytest.MonkeyPatch):
    """Neither a partition that stood too long, nor a broker that cannot be said goodbye to."""
    monkeypatch.setattr(module, "Asker", Slow)
    now_s = [0.0]
    failed: list[BaseException] = []
    watch = ProgressWatch(
        Settings(), mine=lambda: [0], standing=list, restored=lambda _number: 0, fail=failed.append,
        reporter=Nobody("nobody"), clock=lambda: now_s[0],
    )  # fmt: skip
    for at_s in (0.0, 1_000.0):
        watch._progress.seen(0, 1, 5, at_s, restored=0, ours=True)
    now_s[0] = 2_000.0
    watch.start()
    assert Slow.asked.wait(60)
    watch._stop.set()
    Slow.go_on.set()
    watch.close()
    watch._thread.join(60)
    assert not watch._thread.is_alive()
    assert failed == []
