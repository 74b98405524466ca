from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from duty.bundling import Person, Recent, Waiting, plan, sent
from duty.picture import Page
from duty.telling import Telling
from tests.duty.test_message import page

ROWS = Telling()
CALM, FULL, FLOODED = Person(), Person(told_in_hour=12), Person(told_in_hour=12, flooded=True)


class Queue:
    """Pages for one person, sent as the plan says, second by second."""

    def __init__(self, person: Person = CALM, rows: Telling = ROWS) -> None:
        self.person = person
        self.rows = rows
        self.waiting: list[Waiting] = []
        self.recent = Recent()
        self.out: list[tuple[float, str, int]] = []
        self.told: list[str] = []
        self.count = 0

    def add(self, at_s: float, one: Page) -> None:
        self.count += 1
        self.waiting.append(Waiting(str(self.count), one, round(at_s * 1000)))
        self.look(at_s)

    def look(self, at_s: float) -> float | None:
        now_ms = round(at_s * 1000)
        messages, look_ms = plan(self.waiting, self.recent, self.person, now_ms, self.rows)
        self.recent = sent(self.recent, messages, now_ms, self.rows)
        for message in messages:
            self.out.append((at_s, message.sort, len(message.items)))
            self.told += [item.attempt for item in message.items]
            self.waiting = [item for item in self.waiting if item not in message.items]
        return None if look_ms is None else look_ms / 1000

    def until(self, at_s: float) -> None:
        look_s = self.look(at_s if not self.waiting else 0 if not self.out else self.out[-1][0])
        while look_s is not None and look_s <= at_s:
            look_s = self.look(look_s)


def test_the_first_goes_at_once_and_the_same_within_seconds_together() -> None:
    queue = Queue()
    for at_s in (0, 1, 2, 3):
        queue.add(at_s, page(subject=f"g017/3/{at_s}"))
    queue.until(10)
    assert queue.out == [(0, "single", 1), (5, "bundle", 3)]
    queue.add(10, page())
    assert queue.out[-1] == (10, "single", 1)


def test_another_cause_another_grid_and_another_role_are_not_the_same() -> None:
    queue = Queue()
    for one in (page(), page("tamper"), page(grid="g018", subject="g018/1/1"), page(role="police")):
        queue.add(0, one)
    assert [sort for _, sort, _ in queue.out] == ["single"] * 4


def test_what_comes_in_the_same_moment_is_one_message() -> None:
    queue = Queue()
    queue.waiting = [Waiting(str(n), page(subject=f"g017/3/{n}"), 0) for n in range(5)]
    queue.look(0)
    assert queue.out == [(0, "bundle", 5)]


def test_past_what_a_person_can_take_only_urgent_ones_come_at_once() -> None:
    queue = Queue(FULL)
    queue.add(0, page("low-battery"))
    queue.add(1, page("fever", role="doctor"))
    queue.add(2, page("chattering"))
    assert queue.out == [(1, "single", 1)]
    queue.until(700)
    assert queue.out == [(1, "single", 1), (600, "summary", 2)]
    queue.add(700, page("left-open"))
    queue.until(1300)
    assert queue.out[-1] == (1300, "summary", 1)


def test_in_a_flood_one_message_for_each_cause_and_place_a_minute() -> None:
    queue = Queue(FLOODED)
    for n in range(20):
        queue.add(n, page(subject=f"g017/{n % 2}/{n}"))
    queue.until(200)
    assert queue.out == [(0, "single", 1), (1, "single", 1), (60, "bundle", 9), (61, "bundle", 9)]


def test_a_flood_that_begins_does_not_send_again_what_went_a_second_ago() -> None:
    queue = Queue(CALM)
    queue.add(0, page())
    queue.person = Person(told_in_hour=3, flooded=True)
    queue.add(1, page(subject="g017/3/9"))
    assert len(queue.out) == 1


def test_memory_of_what_was_sent_ends() -> None:
    recent = Recent({("same", "x"): 0})
    assert sent(recent, [], 600_000, ROWS).last_ms == {}


KINDS = st.sampled_from(["undeclared-opening", "fever", "low-battery", "chattering", "left-open", "tamper"])
ARRIVALS = st.lists(st.tuples(st.integers(0, 400), KINDS, st.integers(1, 3)), max_size=40)


@settings(max_examples=200, deadline=None)
@given(ARRIVALS, st.sampled_from([CALM, FULL, FLOODED]))
def test_nothing_is_dropped_and_nothing_waits_longer_than_a_summary(arrivals, person) -> None:
    queue = Queue(person)
    came: dict[str, float] = {}
    for at_s, kind, building in sorted(arrivals, key=lambda a: a[0]):
        look_s = queue.look(at_s)
        assert look_s is None or look_s > at_s
        queue.add(at_s, page(kind, subject=f"g017/{building}/1"))
        came[str(queue.count)] = at_s
    at_s = 400.0
    while queue.waiting:
        look_s = queue.look(at_s)
        assert look_s is not None or not queue.waiting
        at_s = look_s if look_s is not None else at_s
    assert sorted(queue.told, key=int) == sorted(came, key=int)
    assert len(set(queue.told)) == len(queue.told)
    assert all(at <= 400 + ROWS.summary_every_s for at, _, _ in queue.out)


@given(st.lists(st.integers(0, 300), max_size=60))
def test_no_more_than_one_message_of_a_sort_in_five_seconds(times) -> None:
    queue = Queue()
    for at_s in sorted(times):
        queue.look(at_s)
        queue.add(at_s, page())
    sent_at = [at for at, _, _ in queue.out]
    assert all(later - earlier >= 5 for earlier, later in pairwise(sent_at))
