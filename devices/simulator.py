"""A seeded, believable compound as a stream of messages and commands, in order of time.

`Simulator(plan).until(at_ms)` yields what devices publish (`Said`) and what people ask for (`Asked`) up to a moment,
and can be asked to go on.  Everything follows from the plan: the same plan gives the same stream.  It costs a heap
entry or two for each household, and about 10 µs for each message.
"""

import heapq
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from devices.simulated import gate, voices
from devices.simulated.compound import DAY_MS, Compound, Grid, Gun, Home, Plan
from devices.simulated.habits import AFTERNOON, CALL, CARELESS, CHILD, ISOLATED, MORNING, ORDINARY, RESTLESS, Habit

__all__ = ["Asked", "Compound", "Plan", "Said", "Simulator"]


class Said(msgspec.Struct, frozen=True):
    """A publish of `device`.  `duplicate`: sent again because the first acknowledgement was lost on its way.

    `retained`: a bridge that came back repeats what it kept; only a subscription to a broker sees that.
    """

    at_ms: int
    device: str
    topic: str
    payload: bytes
    retained: bool = False
    duplicate: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A command of a person, as in a trace but for its time."""

    at_ms: int
    command: dict[str, Any]


_Action = Callable[..., None]


class Simulator:
    """The compound living.  `compound` is who lives there, with the fleet that watches them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.compound = Compound(plan)
        self._rng = Random(f"life {plan.seed}")
        self._heap: list[tuple[int, int, _Action, tuple[Any, ...]]] = []
        self._count = 0
        self._out: list[Said | Asked] = []
        for grid in self.compound.grids:
            self._settle(grid)

    def until(self, end_ms: int) -> Iterator[Said | Asked]:
        """Everything before `end_ms` that was not yielded yet, in order of time."""
        heap, out = self._heap, self._out
        while heap and heap[0][0] < end_ms:
            at_ms, _, action, arguments = heapq.heappop(heap)
            action(at_ms, *arguments)
            if out:
                yield from out
                out.clear()

    @property
    def next_ms(self) -> int | None:
        """When something happens next; None in a compound without life."""
        return self._heap[0][0] if self._heap else None

    # Time

    def _at(self, at_ms: float, action: _Action, *arguments: Any) -> None:
        self._count += 1
        heapq.heappush(self._heap, (int(at_ms), self._count, action, arguments))

    def _life_ms(self, seconds: float) -> float:
        """A span of people's life as a span of clocks."""
        return seconds * 1000 / self.plan.pace

    def _hour(self, at_ms: int) -> float:
        """The hour of day that people live in at `at_ms`."""
        plan = self.plan
        if plan.hour is None:
            began_ms: float = plan.begins_ms + plan.zone_min * 60_000
        else:
            began_ms = plan.hour * 3_600_000
        return (began_ms + (at_ms - plan.begins_ms) * plan.pace) % DAY_MS / 3_600_000

    def _next(self, at_ms: int, hours: tuple[int, int], later: bool = False) -> float:
        """A moment within `hours`: of today, or of the next day when they are over (or `later`)."""
        now = self._hour(at_ms)
        wanted = self._rng.uniform(*hours)
        if later or wanted <= now:
            wanted += 24
        return at_ms + self._life_ms((wanted - now) * 3600)

    # Settling in

    def _settle(self, grid: Grid) -> None:
        rng, begins_ms = self._rng, self.plan.begins_ms
        for home in grid.homes:
            self._at(begins_ms + rng.random() * home.every_s * 1000, self._check_in, home)
            for habit in _habits(home):
                self._plan_habit(begins_ms, home, habit)
            if home.isolated:
                for hours in (MORNING, AFTERNOON):
                    self._at(self._next(begins_ms, hours), self._visit, home, hours)
                if home.calls:
                    self._at(self._next(begins_ms, CALL), self._call, home)
            if (chance := rng.random()) < 0.002:
                self._at(begins_ms + self._life_ms(rng.uniform(0, 86_400)), self._die, home)
            elif chance < 0.006:
                self._at(self._next(begins_ms, MORNING), self._change_case, home)
        for gun in grid.guns:
            self._at(begins_ms + self._life_ms(rng.uniform(0, 60)), self._scan, gun)
        if any(home.behind for home in grid.homes):
            self._at(begins_ms, self._bridge_says, grid)
            self._at(begins_ms + self._life_ms(rng.uniform(0.2, 1.5) * 86_400), self._bridge_falls, grid)

    def _plan_habit(self, at_ms: int, home: Home, habit: Habit) -> None:
        """The next time of a habit: on a later day when it does not happen every day."""
        rng = self._rng
        first, last = habit.hours
        if habit.a_day <= 1:
            due_ms = self._next(at_ms, habit.hours)
            days = 0
            while rng.random() > habit.a_day and days < 30:
                days += 1
            due_ms += self._life_ms(days * 86_400)
        else:
            due_ms = at_ms + self._life_ms(rng.expovariate(habit.a_day / ((last - first) * 3600)))
            if not first <= self._hour(int(due_ms)) < last:
                due_ms = self._next(int(due_ms), habit.hours)
        self._at(due_ms, self._do, home, habit)

    # Doors

    def _do(self, at_ms: int, home: Home, habit: Habit) -> None:
        rng = self._rng
        begin_ms: float = at_ms
        announced = habit.declared and home.isolated and rng.random() < home.declares
        if announced:
            self._declare(at_ms, home, habit.minutes * 60_000, habit.said or habit.name, "resident")
            begin_ms += rng.uniform(5, 90) * 1000
        for _ in range(rng.randint(*habit.times)):
            open_ms = rng.uniform(*habit.open_s) * 1000
            self._at(begin_ms, self._open, home, open_ms)
            begin_ms += open_ms + rng.uniform(*habit.apart_s) * 1000
        if home.isolated and not announced:
            self._answer(int(begin_ms), home)
        self._plan_habit(at_ms, home, habit)

    def _declare(self, at_ms: int, home: Home, span_ms: int, reason: str, by: str) -> None:
        until = voices.iso(at_ms + span_ms)
        declared = {"command": "declare", "household": home.place, "until": until, "reason": reason, "by": by}
        self._ask(at_ms, declared if by == "resident" else {**declared, "role": "worker"})

    def _open(self, at_ms: int, home: Home, open_ms: float) -> None:
        if home.open:
            return
        home.open = True
        home.count += 1
        self._speak(at_ms, home, voices.moved(home, at_ms), may_be_lost=True)
        self._at(at_ms + open_ms, self._close, home)

    def _close(self, at_ms: int, home: Home) -> None:
        if home.open:
            home.open = False
            self._speak(at_ms, home, voices.moved(home, at_ms))

    def _check_in(self, at_ms: int, home: Home) -> None:
        rng = self._rng
        if home.dead:
            return
        home.battery = max(0.0, home.battery - rng.random() * home.every_s * self.plan.pace / 86_400)
        if home.battery <= 1:
            self._die(at_ms, home)
            return
        self._speak(at_ms, home, voices.well(home, at_ms))
        # No crystal is exact, and no two sensors say it at once.
        self._at(at_ms + home.every_s * 1000 * rng.uniform(0.94, 1.04), self._check_in, home)

    def _speak(self, at_ms: int, home: Home, words: voices.Words, may_be_lost: bool = False) -> None:
        """What the sensor has to say goes out: now, late, twice, or not at all."""
        if home.dead or (home.behind and home.behind.bridge_down):
            return
        rng, out = self._rng, self._out
        chance = rng.random()
        if may_be_lost and chance < 0.006:
            return
        if at_ms < home.late_ms:
            # Still out of reach: it stays in order behind what waits already.
            self._at(home.late_ms, self._deliver, home, words, False)
            return
        if home.vendor == "native" and chance > 0.997:
            home.late_ms = at_ms + int(rng.uniform(60, 3 * 3600) * 1000)
            self._at(home.late_ms, self._deliver, home, words, False)
            return
        out.extend([Said(at_ms, home.id, topic, payload) for topic, payload in words])
        if 0.5 < chance < 0.51:
            self._at(at_ms + rng.uniform(1, 6) * 1000, self._deliver, home, words, True)

    def _deliver(self, at_ms: int, home: Home, words: voices.Words, duplicate: bool) -> None:
        self._out.extend([Said(at_ms, home.id, topic, payload, duplicate=duplicate) for topic, payload in words])

    def _die(self, at_ms: int, home: Home) -> None:
        """A sensor taken down, run flat or fallen off: it says nothing more, and some of them say so by their will."""
        if home.dead:
            return
        home.dead = True
        if home.vendor in ("native", "tasmota"):
            self._out.append(Said(at_ms, home.id, *voices.presence(home, False)))

    # The bridge of a grid

    def _bridge_says(self, at_ms: int, grid: Grid) -> None:
        self._out.append(
            Said(at_ms, f"z2m-{grid.name}", grid.bridge_topic, voices.bridge_state(not grid.bridge_down), True)
        )

    def _bridge_falls(self, at_ms: int, grid: Grid) -> None:
        grid.bridge_down = True
        self._bridge_says(at_ms, grid)
        self._at(at_ms + self._rng.uniform(60, 1500) * 1000, self._bridge_rises, grid)

    def _bridge_rises(self, at_ms: int, grid: Grid) -> None:
        grid.bridge_down = False
        self._bridge_says(at_ms, grid)
        for home in grid.homes:
            if home.behind and not home.dead:
                self._out.extend([Said(at_ms, home.id, t, p, True) for t, p in voices.well(home, at_ms)])
        self._at(at_ms + self._life_ms(self._rng.uniform(0.5, 3) * 86_400), self._bridge_falls, grid)

    # The team

    def _ask(self, at_ms: int, command: dict[str, Any]) -> None:
        self._out.append(Asked(at_ms, command))

    def _answer(self, at_ms: int, home: Home) -> None:
        """Somebody of the team may hear of it, walk there and settle it."""
        rng = self._rng
        if at_ms < home.answered_until_ms or home.dead or rng.random() > self.plan.answered_share:
            return
        about = {"subject": home.place, "kind": "undeclared-opening", "role": "worker", "by": home.worker}
        seen_ms = at_ms + int(rng.uniform(20, 400) * 1000)
        done_ms = seen_ms + int(rng.uniform(120, 1200) * 1000)
        home.answered_until_ms = done_ms
        disposition, note = rng.choice(_SETTLED)
        self._at(seen_ms, self._ask, {"command": "acknowledge", **about})
        self._at(done_ms, self._ask, {"command": "close", **about, "disposition": disposition, "note": note})

    def _visit(self, at_ms: int, home: Home, hours: tuple[int, int]) -> None:
        rng = self._rng
        if not home.isolated:
            return
        self._at(self._next(at_ms, hours, later=True), self._visit, home, hours)
        if rng.random() < 0.02:
            return  # forgotten: nobody is perfect on the eightieth door
        self._declare(at_ms, home, 10 * 60_000, "上门", home.worker)
        knock_ms = at_ms + rng.uniform(20, 120) * 1000
        open_ms = rng.uniform(20, 90) * 1000
        self._at(knock_ms, self._open, home, open_ms)
        celsius = round(rng.gauss(37.9 if home.fever else 36.4, 0.3 if home.fever else 0.18), 1)
        who = {"household": home.place, "by": home.worker, "role": "worker"}
        self._at(knock_ms + open_ms, self._ask, {"command": "visit", **who})
        reading = {"command": "home-temperature", **who, "celsius": celsius, "site": "axilla"}
        self._at(knock_ms + open_ms + 4000, self._ask, reading)
        if home.fever and rng.random() < 0.5:
            symptoms = {"command": "symptoms", **who, "symptoms": ["fever", "cough"]}
            self._at(knock_ms + open_ms + 9000, self._ask, symptoms)

    def _change_case(self, at_ms: int, home: Home) -> None:
        """Isolation begins for a household, or ends early for one."""
        who = {"household": home.place, "by": home.worker, "role": "worker"}
        if home.isolated:
            home.isolated = False
            self._ask(at_ms, {"command": "close-case", **who, "reason": "two negative tests"})
            return
        home.isolated = True
        until = voices.iso(at_ms + 14 * DAY_MS)
        opening = {"device": home.id, "from": voices.iso(at_ms), "until": until, "visits": True}
        self._ask(at_ms, {"command": "open-case", **who, **opening})
        self._at(self._next(at_ms, AFTERNOON), self._visit, home, AFTERNOON)

    def _call(self, at_ms: int, home: Home) -> None:
        if not home.isolated:
            return
        self._at(self._next(at_ms, CALL, later=True), self._call, home)
        if self._rng.random() < 0.97:
            self._ask(at_ms, {"command": "call", "household": home.place, "by": "resident"})

    # The gates

    def _scan(self, at_ms: int, gun: Gun) -> None:
        rng = self._rng
        hour = self._hour(at_ms)
        rush = 0.08 if hour < 6 else 1.6 if 7 <= hour < 9 or 17 <= hour < 19 else 0.8
        # A guard's hands set the pace, however fast people live.
        wait_s = max(5.0, rng.expovariate(rush / 25) / self.plan.pace)
        gun.passes += 1
        pass_id = f"A-{gun.passes:04d}" if gun.tells_pass else ""
        subject = f"{gun.checkpoint}/{pass_id}"
        end_ms: float = at_ms
        high = 0
        for after_s, celsius in gate.person(rng, gun, min(20.0, self.plan.pace)):
            end_ms = at_ms + after_s * 1000
            high += celsius >= gate.LIMIT_CELSIUS
            self._at(end_ms, self._read, gun, celsius, pass_id)
            if pass_id and (high >= 2 or celsius >= 38.5) and rng.random() < self.plan.answered_share:
                self._fever(int(end_ms), gun, subject)
        if pass_id and rng.random() < 0.05:
            home = rng.choice(gun.grid.homes).place
            passing = {"checkpoint": gun.checkpoint, "pass": pass_id, "household": home, "by": f"guard-{gun.id}"}
            self._ask(at_ms, {"command": "register", **passing})
        self._at(end_ms + wait_s * 1000, self._scan, gun)

    def _read(self, at_ms: int, gun: Gun, celsius: float, pass_id: str) -> None:
        said = Said(at_ms, gun.id, *voices.reading(gun, at_ms, celsius, pass_id))
        self._out.append(said)
        if self._rng.random() < 0.005:
            self._out.append(msgspec.structs.replace(said, duplicate=True))

    def _fever(self, at_ms: int, gun: Gun, subject: str) -> None:
        about = {"subject": subject, "kind": "fever", "role": "doctor", "by": gun.grid.doctor}
        seen_ms = at_ms + int(self._rng.uniform(15, 240) * 1000)
        self._at(seen_ms, self._ask, {"command": "acknowledge", **about})
        closing = {"command": "close", **about, "disposition": "transferred", "note": "已转发热门诊"}
        self._at(seen_ms + 1_500_000, self._ask, closing)


_SETTLED = (
    ("true-alarm", "下楼买烟，已劝返"),
    ("true-alarm", "在门口和邻居说话"),
    ("declared-late", "倒垃圾，忘记报备"),
    ("false-alarm", "风吹动了门"),
    ("false-alarm", "孩子开关门玩耍"),
)


def _habits(home: Home) -> list[Habit]:
    habits = list(ISOLATED if home.isolated else ORDINARY)
    if home.child:
        habits.append(CHILD)
    if home.restless:
        habits.append(RESTLESS)
    if home.careless:
        habits.append(CARELESS)
    return habits
