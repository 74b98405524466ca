"""The moments of one incident, out of the two logs of its site."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from devices.ids import partition_of
from devices.places import grid_of
from streams.edge.log import LogReader, TimedReader
from streams.effects import Decision
from streams.frames import FrameError, decode_inbox, decode_outbox
from streams.incident_story import Moment, story, subject_of

# What led to it may have come an hour before, and a frame is written a moment after what is in it.
BEFORE_MS = 3_600_000
_AFTER_MS = 60_000
_FRAMES = 200

R = TypeVar("R")


def story_of(
    inbox: TimedReader, outbox: TimedReader, partitions: int, incident: str, *, grid: str, from_ms: int, until_ms: int
) -> list[Moment]:
    """`incident` of `grid`, raised at `from_ms` and over (or not yet) at `until_ms`.  Raises LogFull.

    Events older than raw events are kept are not there any more; what was decided is.
    """
    partition = partition_of(grid or grid_of(subject_of(incident)), partitions)
    records = _window(inbox, partition, from_ms - BEFORE_MS, until_ms + _AFTER_MS, decode_inbox)
    effects = _window(outbox, partition, from_ms - BEFORE_MS, until_ms + _AFTER_MS, decode_outbox)
    return story(records, effects, incident)


def span_of(outbox: LogReader, partition: int, incident: str) -> tuple[int, int] | None:
    """When the first and the last thing was decided about `incident`, by whoever knows nothing but its name: the whole
    partition is read.  None where it is not there.  Raises LogFull."""
    times: list[int] = []
    after = 0
    while frames := outbox.read(partition, after, _FRAMES):
        for offset, frame in frames:
            after = offset
            times += [
                effect.t_ms
                for effect in _decoded(frame, decode_outbox)
                if isinstance(effect, Decision) and effect.incident == incident
            ]
    return (times[0], times[-1]) if times else None


def _window(
    reader: TimedReader, partition: int, from_ms: int, until_ms: int, decode: Callable[[bytes], Sequence[R]]
) -> Iterator[R]:
    """The records of frames written between the two times."""
    after = reader.before(partition, from_ms)
    end = reader.before(partition, until_ms)
    while frames := reader.read(partition, after, _FRAMES):
        for offset, frame in frames:
            if offset > end:
                return
            after = offset
            yield from _decoded(frame, decode)


def _decoded(frame: bytes, decode: Callable[[bytes], Sequence[R]]) -> Sequence[R]:
    try:
        return decode(frame)
    except FrameError:
        return ()  # the streams process has put it aside and said so
