"""Random and mutated messages, each format: an answer or a reason, never an exception, never more than a millisecond.

THRESHOLD_FUZZ is the number of mutated messages a format (400 unless said; the long run takes 100000).
"""

import copy
import json
import os
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.events import REJECT_REASONS, Message, Reading, Rejected
from devices.formats import Known
from gateway.identify import identify
from tests.devices.formats.routing import FORMATS, RECEIVED_MS, device, known_of, payload_of
from tests.devices.formats.test_corpus import CASES

BUDGET = int(os.environ.get("THRESHOLD_FUZZ", "400"))
LONGEST_MS = 1.0
# Before another try: what slows a core down (its other thread, a neighbour) may stay for a while.
PAUSES_S = (0, 0, 0, 0.01, 0.05, 0.2, 0.5, 1, 2)
MOST_MEMORY_KEYS = 1200

# What parsers trip over, written where a value stood.
NASTY = [
    b"NaN", b"-Infinity", b"1e999", b"-1e999", b"1e-999", b"0x10", b"-", b"9" * 400, b"-" + b"9" * 30, b"1" * 5000,
    b"1.0000000000000000000000001", b"null", b"true", b"[]", b"{}", b'""', b'"\\ud800"', b'"\\u0000"', b'"\xff\xfe"',
    b'"' + b"x" * 3000 + b'"', b"[" * 600 + b"]" * 600, b'{"a":' * 300 + b"1" + b"}" * 300, b'"\xe9\x97\xa8"',
    b"18446744073709551616", b"253402300800001", b'"2020-13-45T99:99:99Z"', b'"0001-01-01T00:00:00+14:00"',
    b'"9999-12-31T23:59:59.999999999-14:00"', b'" "', b"1e308", b"-0.0", b'"\xd9\xa1\xd9\xa2"',
]  # fmt: skip


def mutated(payload: bytes, chance: random.Random) -> bytes:
    """`payload` with one to four things done to it."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(payload))
        other = chance.randint(0, len(payload))
        low, high = min(at, other), max(at, other)
        match chance.randint(0, 8):
            case 0:
                payload = payload[:at] + bytes([chance.randint(0, 255)]) + payload[at + 1 :]
            case 1:
                payload = payload[:low] + payload[high:]
            case 2:
                payload = payload[:high] + payload[low:high] + payload[high:]
            case 3:
                payload = payload[:at] + chance.choice(NASTY) + payload[at:]
            case 4 | 5:
                payload = _value_replaced(payload, chance)
            case 6:
                payload = payload[:at]
            case 7:
                payload = payload.replace(b":", b" : ") if chance.random() < 0.5 else payload.replace(b'"', b"'")
            case _:
                payload = payload[:at] + chance.randbytes(chance.randint(1, 16)) + payload[at:]
    return payload


def _value_replaced(payload: bytes, chance: random.Random) -> bytes:
    colons = [n for n, sign in enumerate(payload) if sign == 0x3A]
    if not colons:
        return payload
    at = chance.choice(colons) + 1
    end = min((n for sign in b",}" if (n := payload.find(bytes([sign]), at)) >= 0), default=len(payload))
    return payload[:at] + chance.choice(NASTY) + payload[end:]


def answered(name: str, message: Message, known: Known) -> list[Reading] | Rejected:
    """The answer, checked for its shape and for the time it took (the best of a few: the machine has other work)."""
    decode = FORMATS[name].decode
    remembered = copy.deepcopy(known.memory)
    begun = time.thread_time_ns()
    answer = decode(message, known)
    took_ms = (time.thread_time_ns() - begun) / 1e6
    # A message that speaks for thousands of devices (the death of their node) may take its time for each of them.
    longest_ms = LONGEST_MS * (1 + len(answer) / 500 if isinstance(answer, list) else 1)
    for pause_s in PAUSES_S:
        if took_ms <= longest_ms:
            break
        time.sleep(pause_s)
        # With what was remembered before: the same message twice may be a duplicate, and quicker refused than read.
        again = Known(known.devices, known.rest, copy.deepcopy(remembered))
        begun = time.thread_time_ns()
        decode(message, again)
        took_ms = min(took_ms, (time.thread_time_ns() - begun) / 1e6)
    assert took_ms <= longest_ms, f"{took_ms:.2f} ms for {len(message.payload)} bytes: {message.payload[:200]!r}"
    if isinstance(answer, Rejected):
        assert answer.reason in REJECT_REASONS
        assert len(answer.detail) < 300
    else:
        own = {row.id for row in known.devices}
        for reading in answer:
            assert reading.device in own
            assert len(reading.cause) < 200
            assert reading.celsius is None or abs(reading.celsius) <= 1000
            assert reading.battery_percent is None or 0 <= reading.battery_percent <= 100
            assert reading.opens_counted is None or 0 <= reading.opens_counted < 2**53
            assert reading.at_ms is None or abs(reading.at_ms) < 2**53
    assert len(known.memory) <= MOST_MEMORY_KEYS
    return answer


def worlds(name: str) -> list[tuple[dict[str, Any], Message, Known]]:
    """Each case of the corpus, ready: its message and what is known when it comes."""
    found = []
    for param in CASES:
        case: dict[str, Any] = param.values[0]
        if case["format"] != name:
            continue
        known = known_of(*(device(row, name) for row in case["rows"]))
        owner = identify(known, case["topic"])
        if owner is None:
            continue
        message = Message(case["topic"], payload_of(case), RECEIVED_MS, case.get("retained", False))
        found.append((case, message, Known(owner.owner.devices, owner.rest, owner.owner.memory)))
    return found


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_mutated_messages_get_an_answer(name: str):
    chance = random.Random(f"{name} 1")
    ready = worlds(name)
    refused = 0
    for _ in range(BUDGET):
        _, message, known = chance.choice(ready)
        answer = answered(name, Message(message.topic, mutated(message.payload, chance), RECEIVED_MS), known)
        refused += isinstance(answer, Rejected)
    # Were everything refused, or nothing, the mutations would try nothing.
    assert BUDGET // 20 < refused < BUDGET


HUGE = {
    "many small objects": b'{"x":[' + b"{}," * 21_000 + b"{}]}",
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(6_000)) + b"}",
    "the same key again and again": b"{" + b",".join([b'"contact":true,"state":"open","data":"x"'] * 1_500) + b"}",
    "deep": b"[" * 32_000 + b"]" * 32_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "one long string": b'{"state":"' + b"a" * 65_000 + b'"}',
    "escapes": b'{"state":"' + b"\\u0041" * 10_000 + b'"}',
    "spaces": b" " * 65_000,
    "a list of numbers": b"[" + b"1," * 32_000 + b"1]",
    "too large": b'{"state":"' + b"a" * 70_000 + b'"}',
    "zeros": bytes(65_000),
    "ones": b"\xff" * 65_000,
    "a long run of empty metrics": b"\x12\x00" * 32_000,
    "one metric of many fields": b"\x12\xff\xff\x03" + b"\x10\x01" * 32_767 + b"\x00",
    "records without a name": b"[" + b",".join([b'{"n":"/3342/0/5500","vb":true}'] * 2_000) + b"]",
    "points": b'{"msg":[' + b",".join([b'{"type":1,"value":1,"imei":"1"}'] * 2_000) + b"]}",
    "parameters": b'{"method":"NotifyStatus","params":{' + b",".join(b'"bthomesensor:%d":{}' % n for n in range(2_000))
    + b"}}",
    "events": b'{"method":"NotifyEvent","params":{"events":[' + b",".join([b'{"component":"bthome"}'] * 2_500) + b"]}}",
    "objects": b'{"objects":[' + b",".join(b'{"obj_id":45,"component":"bthomesensor:%d"}' % n for n in range(1_300))
    + b"]}",
    "values": b'{"deviceId":"x","messageType":"dataReport","payload":{' + b",".join(b'"%d":1' % n for n in range(5_000))
    + b"}}",
    "a value within a value": b'{"deviceId":"x","messageType":"dataReport","payload":' + b'{"a":' * 500 + b"1"
    + b"}" * 500 + b"}",
    "data points": b'{"status":[' + b",".join([b'{"code":"x","value":[]}'] * 2_500) + b"]}",
    "sensors": b'{"ZbReceived":{' + b",".join(b'"0x%04X":{"Contact":1}' % n for n in range(2_500)) + b"}}",
    "raw bytes in text": b'{"devEUI":"a840410c41a9b2c3","data":"' + b"A" * 64_000 + b'"}',
    "reasons": b"[" + b",".join([b'"sensor"'] * 6_000) + b"]",
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(HUGE))
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_huge_message_costs_no_more_than_a_millisecond(name: str, what: str):
    tried = {message.topic: (message, known) for _, message, known in worlds(name)}
    for message, known in list(tried.values())[:6]:
        answered(name, Message(message.topic, HUGE[what], RECEIVED_MS), known)


@pytest.mark.parametrize("name", sorted(name for name, form in FORMATS.items() if form.profile.needs_address))
def test_thousands_of_devices_on_one_topic_cost_no_more_than_a_millisecond(name: str):
    for case, message, known in worlds(name):
        rows = [{**case["rows"][0], "id": f"x{n}", "address": f"x/{n}/x"} for n in range(3000)]
        crowd = Known((*(device(row, name) for row in rows), *known.devices), known.rest, known.memory)
        answer = answered(name, message, crowd)
        # What needs an earlier message (a birth, an announcement) is not understood without it.
        if case.get("readings") and not case.get("before"):
            assert isinstance(answer, list)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20),
    st.sampled_from(["open", "closed", "ON", "OFF", "1", "0", "online", "offline", "2020-02-16T09:30:00+08:00"]),
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_messages_of_the_right_shape_with_any_values_get_an_answer(name: str):
    ready = [(message, known, case["payload"]) for case, message, known in worlds(name)
             if isinstance(case.get("payload"), dict | list)]  # fmt: skip

    def filled(value: Any, data: Any) -> Any:
        if data.draw(st.integers(0, 3)) == 0:
            return data.draw(SCALARS)
        if isinstance(value, dict):
            return {key: filled(inner, data) for key, inner in value.items() if data.draw(st.integers(0, 8))}
        return [filled(inner, data) for inner in value] if isinstance(value, list) else value

    @settings(max_examples=max(20, BUDGET // 10), deadline=None)
    @given(st.data())
    def holds(data: Any) -> None:
        if ready:
            message, known, payload = data.draw(st.sampled_from(ready))
            text = json.dumps(filled(payload, data))
        else:
            message, known, _ = (*worlds(name)[0][1:], None)
            text = data.draw(st.text(max_size=40))
        answered(name, Message(message.topic, text.encode("utf-8", "surrogatepass"), RECEIVED_MS), known)

    holds()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_any_bytes_get_an_answer(name: str):
    chance = random.Random(f"{name} 2")
    ready = worlds(name)
    for _ in range(BUDGET):
        _, message, known = chance.choice(ready)
        answered(name, Message(message.topic, chance.randbytes(chance.randint(0, 60)), RECEIVED_MS), known)
