"""The simulated compound: the same seed lives the same days, in order, in words that its own formats understand."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.events import Message, Rejected
from devices.formats import Known, table
from devices.simulator import Asked, Plan, Said, Simulator

HOUR_MS = 3_600_000
BEGINS_MS = Plan().begins_ms


def lived(plan, hours):
    return list(Simulator(plan).until(plan.begins_ms + int(hours * HOUR_MS)))


@pytest.fixture(scope="module")
def a_day():
    plan = Plan(households=400, seed=7)
    return Simulator(plan).compound, lived(plan, 24)


PLANS = st.builds(
    Plan,
    households=st.integers(1, 60),
    seed=st.integers(0, 10**6),
    pace=st.sampled_from((1.0, 30.0, 240.0)),
    hour=st.sampled_from((None, 7.5, 17.8)),
    isolated_share=st.sampled_from((0.0, 0.3, 1.0)),
)


@settings(max_examples=15, deadline=None)
@given(PLANS)
def test_the_same_plan_lives_the_same_life_in_order_of_time(plan):
    life = lived(plan, 6 / plan.pace)
    assert life == lived(plan, 6 / plan.pace)
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(life))
    assert all(plan.begins_ms <= item.at_ms < plan.begins_ms + 6 * HOUR_MS / plan.pace for item in life)


@settings(max_examples=10, deadline=None)
@given(PLANS, st.lists(st.floats(0, 6), max_size=5))
def test_asked_in_pieces_it_is_the_same_life(plan, stops):
    simulator = Simulator(plan)
    pieces = []
    for stop in [*sorted(stops), 6]:
        pieces += simulator.until(plan.begins_ms + int(stop * HOUR_MS / plan.pace))
    assert pieces == lived(plan, 6 / plan.pace)


def test_another_seed_is_another_life():
    assert lived(Plan(households=30, seed=1), 3) != lived(Plan(households=30, seed=2), 3)


@settings(max_examples=10, deadline=None)
@given(PLANS)
def test_every_message_is_understood_by_the_format_of_its_device(plan):
    simulator = Simulator(plan)
    fleet = simulator.compound.fleet()
    formats = table()
    bridges = {bridge.topic for bridge in fleet.bridges.values()}
    for item in simulator.until(plan.begins_ms + int(8 * HOUR_MS / plan.pace)):
        if isinstance(item, Asked) or item.topic in bridges:
            continue
        device = fleet.devices[item.device]
        form = formats[device.format]
        prefix = max((t for t in form.topics(device) if item.topic.startswith(t)), key=len)
        message = Message(item.topic, item.payload, item.at_ms, item.retained)
        known = Known((device,), item.topic.removeprefix(prefix).strip("/"))
        assert not isinstance(form.decode(message, known), Rejected), item


def test_a_day_has_its_doors_its_gates_and_its_people(a_day):
    _, life = a_day
    said = Counter("gun" if item.device.startswith("gun-") else "door" for item in life if isinstance(item, Said))
    asked = Counter(item.command["command"] for item in life if isinstance(item, Asked))
    assert said["door"] > 10_000
    # A gate sees 2,000 to 8,000 people a day.
    assert 2_000 < said["gun"] < 16_000
    assert {"declare", "visit", "home-temperature", "call", "acknowledge", "close", "register"} <= asked.keys()


def test_a_day_has_its_faults(a_day):
    compound, life = a_day
    assert any(item.duplicate for item in life if isinstance(item, Said))
    assert any(home.clock_off_ms for home in compound.homes())
    assert any(home.battery < 25 for home in compound.homes())


def test_a_bridge_that_comes_back_replays_what_it_kept():
    life = lived(Plan(households=60, seed=3, guns=False), 72)
    rises = [
        n for n, i in enumerate(life) if isinstance(i, Said) and i.device.startswith("z2m") and b"online" in i.payload
    ]
    falls = [
        n for n, i in enumerate(life) if isinstance(i, Said) and i.device.startswith("z2m") and b"offline" in i.payload
    ]
    assert falls
    back = next(n for n in rises if n > falls[0])
    between = [i for i in life[falls[0] + 1 : back] if isinstance(i, Said) and i.topic.startswith("zigbee2mqtt")]
    assert between == []
    replay = life[back + 1]
    assert isinstance(replay, Said)
    assert replay.retained
    assert replay.topic.startswith("zigbee2mqtt-g001/door")


def test_a_duplicate_repeats_an_earlier_message_to_the_byte(a_day):
    seen = set()
    for item in a_day[1]:
        if isinstance(item, Said):
            assert not item.duplicate or (item.topic, item.payload) in seen
            seen.add((item.topic, item.payload))


def test_rubbish_goes_out_in_the_evening_and_is_mostly_declared(a_day):
    # The 16th of February began at midnight in Shanghai, where these people live.
    hours = [
        (item.at_ms - BEGINS_MS) // HOUR_MS
        for item in a_day[1]
        if isinstance(item, Asked) and item.command.get("reason") == "倒垃圾"
    ]
    assert len(hours) > 60
    assert all(18 <= hour < 22 for hour in hours)


def test_a_life_may_begin_in_the_evening_whatever_the_clock_says():
    life = lived(Plan(households=200, seed=7, hour=17.9, pace=240), 4 / 240)
    assert sum(isinstance(i, Asked) and i.command.get("reason") == "倒垃圾" for i in life) > 20


def test_only_the_isolated_are_visited_called_and_answered(a_day):
    compound, life = a_day
    began = {case.household for case in compound.fleet().cases}
    for item in life:
        if isinstance(item, Asked):
            match item.command["command"]:
                case "open-case":
                    began.add(item.command["household"])
                case "visit" | "call" | "declare":
                    assert item.command["household"] in began
                case "acknowledge" if item.command["kind"] == "undeclared-opening":
                    assert item.command["subject"] in began


def test_a_counter_never_goes_back_and_tells_of_openings_that_were_lost():
    plan = Plan(households=300, seed=7, guns=False)
    simulator = Simulator(plan)
    native = {h.id for h in simulator.compound.homes() if h.vendor == "native" and not h.clock_off_ms}
    last: dict[str, int] = {}
    untold = 0
    for item in simulator.until(plan.begins_ms + 48 * HOUR_MS):
        if isinstance(item, Said) and item.device in native and b'"n":' in item.payload and not item.duplicate:
            n = int(item.payload.split(b'"n":')[1].split(b",")[0])
            assert n >= last.get(item.device, n)
            untold += n > last.get(item.device, n) and b'"open"' not in item.payload
            last[item.device] = n
    assert 0 < untold < 50
