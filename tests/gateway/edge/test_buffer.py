"""The buffer before Kafka, with a Kafka that is away when the test says so, and crashes at every step."""

import threading
import time

import pytest

from gateway.edge.buffer import Buffered, BufferFile, BufferFull, Parcel, parcels
from gateway.edge.keeping import HeardTo
from streams.edge.log import LogFull
from tests.waiting import wait_until


class Kafka:
    """A carrier: what it took stands in `standing`.  `away` says why it takes nothing; with `late` it takes what it is
    given and does not say so."""

    def __init__(self) -> None:
        self.salvaged: list[str] = []
        self.standing: list[bytes] = []
        self.away = ""
        self.late = False
        self.looked: list[int] = []
        self.tries = 0
        self.lock = threading.Lock()
        self._given: Parcel | None = None

    def parcel(self, frames, notes):
        return Parcel(frames, [], [(b"row", str(note).encode()) for note in notes])

    def send(self, parcel):
        with self.lock:
            self.tries += 1
            again = self._given is parcel
            if not self.away or self.late:
                if not again:
                    self.standing += [frame for _, frame in parcel.frames]
                self._given = parcel
            if self.away:
                raise LogFull(self.away)
            self._given = None
            return list(range(len(parcel.frames)))

    def without_standing(self, parcel, since_ms):
        if self.away:
            raise LogFull(self.away)
        self.looked.append(since_ms)
        return Parcel([frame for frame in parcel.frames if frame[1] not in self.standing], [], parcel.rows)

    def write(self, frames, notes):
        return self.send(self.parcel(frames, notes))

    def tend(self): ...
    def forget(self, log, before_ms, read_to, most):
        return 0

    def close(self): ...


def batch(n: int) -> list[tuple[int, bytes]]:
    return [(0, b"frame %d" % n)]


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def make(tmp_path, kafka):
    made: list[Buffered] = []

    def again(most_bytes: int = 1_000_000, **options) -> Buffered:
        for one in made:
            one.close()
        made[:] = [Buffered(kafka, BufferFile(tmp_path), most_bytes=most_bytes, **options)]
        made[0].start()
        return made[0]

    yield again
    for one in made:
        one.close()


def test_while_kafka_is_there_nothing_touches_the_disk(make, kafka):
    buffered = make()
    assert buffered.write(batch(1), []) == [0]
    assert kafka.standing == [b"frame 1"]
    assert buffered.seen()["buffer"]["parcels"] == 0


def test_what_kafka_does_not_take_is_on_disk_and_brought_in_order(make, kafka):
    reports: list[tuple[str, bool]] = []
    buffered = make()
    buffered.report = lambda part, well, _detail: reports.append((part, well))
    kafka.away = "away"
    for n in range(5):
        assert buffered.write(batch(n), []) == []
    assert buffered.seen()["buffer"]["parcels"] == 5
    assert buffered.seen()["buffer"]["trouble"] == "away"
    time.sleep(0.3)
    kafka.away = ""
    wait_until(lambda: buffered.seen()["buffer"]["parcels"] == 0)
    wait_until(lambda: reports[-2:] == [("kafka", False), ("kafka", True)])
    assert buffered.write(batch(5), []) == [0]
    assert kafka.standing == [b"frame %d" % n for n in range(6)]
    # Before that at most one word, for the case that an earlier process ended while Kafka was away.
    assert reports[:-2] in ([], [("kafka", True)])


def test_what_kafka_refuses_while_the_last_was_brought_is_not_said_to_be_there(make, kafka, monkeypatch):
    reports: list[tuple[str, bool]] = []
    brought, go_on = threading.Event(), threading.Event()
    bring = Buffered._bring

    def brings_and_dawdles(self) -> int:
        left = bring(self)
        brought.set()
        go_on.wait(60)
        return left

    monkeypatch.setattr(Buffered, "_bring", brings_and_dawdles)
    buffered = make()
    buffered.report = lambda part, well, _detail: reports.append((part, well))
    wait_until(brought.is_set)
    kafka.away = "away"
    buffered.write(batch(0), [])
    go_on.set()
    wait_until(lambda: kafka.tries >= 2, what="the bringing of what waits")
    assert (reports, buffered.seen()["buffer"]["trouble"]) == ([("kafka", False)], "away")
    kafka.away = ""
    wait_until(lambda: reports == [("kafka", False), ("kafka", True)])
    assert kafka.standing == [b"frame 0"]


def test_that_kafka_is_there_again_is_said_though_nothing_could_wait_on_this_disk(make, kafka, monkeypatch):
    reports: list[tuple[str, bool]] = []
    buffered = make(most_bytes=1)
    wait_until(lambda: buffered._over_before)
    buffered.report = lambda part, well, _detail: reports.append((part, well))
    kafka.away = "away"
    frames = batch(0)
    with pytest.raises(BufferFull):
        buffered.write(frames, [])
    kafka.away = ""
    assert buffered.write(frames, []) == [0]
    wait_until(lambda: reports == [("kafka", False), ("kafka", True)])
    assert buffered.seen()["buffer"]["trouble"] == ""


def test_what_arrived_without_an_answer_is_not_brought_twice(make, kafka):
    buffered = make()
    kafka.away, kafka.late = "no answer", True
    buffered.write(batch(1), [])
    buffered.write(batch(2), [])
    kafka.away, kafka.late = "", False
    wait_until(lambda: buffered.seen()["buffer"]["parcels"] == 0)
    assert kafka.standing == [b"frame 1", b"frame 2"]


def crash(buffered: Buffered) -> None:
    """As kill -9 leaves it: the file as it stands, nothing told."""
    buffered._stopping.set()
    buffered._something.set()
    buffered._thread.join(60)
    assert not buffered._thread.is_alive()


def test_a_process_that_died_over_the_bringing_is_followed_by_one_that_looks_first(make, kafka):
    buffered = make()
    kafka.away, kafka.late = "no answer", True
    for n in range(3):
        buffered.write(batch(n), [])
    wait_until(lambda: kafka.standing)
    crash(buffered)
    kafka.away, kafka.late = "", False
    assert kafka.standing[0] == b"frame 0"
    again = make()
    wait_until(lambda: again.seen()["buffer"]["parcels"] == 0)
    assert kafka.standing == [b"frame 0", b"frame 1", b"frame 2"]
    assert kafka.looked


def test_a_full_buffer_takes_no_more_until_there_is_room(make, kafka):
    buffered = make(most_bytes=120)
    kafka.away = "away"
    taken, frames = 0, batch(0)

    def fill() -> None:
        nonlocal taken, frames
        while taken < 50:
            frames = batch(taken)
            buffered.write(frames, [])
            taken += 1

    with pytest.raises(BufferFull, match=r"the buffer is full .*away"):
        fill()
    assert 0 < taken < 50
    with pytest.raises(BufferFull):
        buffered.write(frames, [])  # the committer tries the very same again
    kafka.away = ""
    wait_until(lambda: buffered.seen()["buffer"]["parcels"] == 0)
    buffered.write(frames, [])
    assert kafka.standing == [b"frame %d" % n for n in range(taken + 1)]


def test_notes_wait_with_their_frames(make, kafka, tmp_path):
    buffered = make()
    kafka.away = "away"
    buffered.write(batch(1), [HeardTo({("siren", 0): 3})])
    crash(buffered)
    buffered._file.close()
    file = BufferFile(tmp_path)
    [parcel] = parcels(file)
    assert parcel.frames == [(0, b"frame 1")]
    assert parcel.rows[0][0] == b"row"
    file.close()


def test_without_kafka_at_the_beginning_everything_waits(make, kafka, tmp_path):
    first = make()
    first.mirror([(b"lent x", b"1"), (b"lent x", b"2")])
    buffered = make(away="away")
    assert buffered.write(batch(1), []) == []
    assert kafka.standing == []
    assert buffered._file.mirrored() == [(b"lent x", b"2")]
    # It begins anew once Kafka is back.
    again = make()
    wait_until(lambda: again.seen()["buffer"]["parcels"] == 0)
    assert kafka.standing == [b"frame 1"]
