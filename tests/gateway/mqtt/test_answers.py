"""Answers go out in the order in which the messages came, whatever the order in which they become due."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt import answers
from gateway.mqtt.answers import MOST_PACKET_IDS, Answers, MisuseError
from gateway.mqtt.packets import V5, V311, Answer, parse
from gateway.mqtt.reasons import ProtocolError, Reason


def made(version: int = V311, most: int = MOST_PACKET_IDS) -> tuple[Answers, bytearray]:
    out = bytearray()
    return Answers(out, version, most), out


def sent(out: bytearray, version: int = V311) -> list[tuple[str, int, int]]:
    """What was sent, and forgets it: (type, packet id, code)."""
    told = []
    while out:
        end = 2 + out[1]
        packet = parse(out[0], bytes(out[2:end]), version)
        assert isinstance(packet, Answer)
        told.append((packet.kind.name, packet.packet_id, packet.code))
        del out[:end]
    return told


def pubacks(*packet_ids: int) -> list[tuple[str, int, int]]:
    return [("PUBACK", packet_id, 0) for packet_id in packet_ids]


def test_a_batch_in_order():
    owed, out = made()
    owed.unanswered += [1, 2, 3, 65535]
    owed.acknowledge([1, 2, 3])
    assert sent(out) == pubacks(1, 2, 3)
    owed.acknowledge((65535,))
    assert sent(out) == pubacks(65535)
    assert owed.unanswered == []
    owed.acknowledge([])
    assert sent(out) == []


@pytest.mark.parametrize("order", list(permutations([1, 2, 3, 4])))
def test_any_order_of_answering_is_the_order_of_receipt_on_the_wire(order):
    owed, out = made()
    owed.unanswered += [1, 2, 3, 4]
    told = []
    for number, packet_id in enumerate(order, 1):
        owed.acknowledge([packet_id])
        told += sent(out)
        due = 0
        while due < 4 and due + 1 in order[:number]:
            due += 1
        assert told == pubacks(*range(1, due + 1))


def test_an_id_that_came_twice_is_answered_twice():
    owed, out = made()
    owed.unanswered += [5, 7, 5]
    owed.acknowledge([5])
    owed.acknowledge([5])
    assert sent(out) == pubacks(5)
    owed.acknowledge([7])
    assert sent(out) == pubacks(7, 5)


def test_a_refusal_keeps_its_turn():
    owed, out = made(V5)
    owed.unanswered += [1, 2, 3]
    owed.refuse(2, Reason.NOT_AUTHORISED)
    assert sent(out) == []
    owed.acknowledge([1, 3])
    assert sent(out, V5) == [("PUBACK", 1, 0), ("PUBACK", 2, 0x87), ("PUBACK", 3, 0)]


@pytest.mark.parametrize(
    ("first", "then"), [([1, 2, 3], []), ([9], [1, 2]), ([1, 1], [2]), ([2, 2], [1]), ([1, 2], [1])]
)
def test_an_answer_to_nothing_is_a_bug_of_ours_and_shows_when_nothing_waits_any_more(first, then):
    owed, _ = made()
    owed.unanswered += [1, 2]
    with pytest.raises(MisuseError, match="no message waits"):  # noqa: PT012, for it may be the first or the second call
        owed.acknowledge(first)
        owed.acknowledge(then)


def test_a_flood_of_refusals_behind_one_slow_message_costs_little_each():
    owed, out = made(V5)
    owed.unanswered += range(1, 16_385)
    for packet_id in range(2, 16_385):
        owed.refuse(packet_id, Reason.NOT_AUTHORISED)
    assert sent(out) == []
    owed.acknowledge([1])
    assert [code for _, _, code in sent(out, V5)] == [0] + [0x87] * 16_383
    assert owed.unanswered == []


def test_qos_2_among_qos_1_keeps_the_order():
    owed, out = made()
    owed.unanswered.append(1)
    assert owed.receive_qos_2(2)
    owed.unanswered.append(3)
    owed.acknowledge([1, 2, 3])
    assert sent(out) == [("PUBACK", 1, 0), ("PUBREC", 2, 0), ("PUBACK", 3, 0)]
    owed.release(2)
    assert sent(out) == [("PUBCOMP", 2, 0)]


def test_qos_2_is_one_message_until_it_is_released():
    owed, out = made()
    assert owed.receive_qos_2(7)
    assert not owed.receive_qos_2(7)  # again before it is on disk: its PUBREC will come
    assert sent(out) == []
    owed.acknowledge([7])
    assert sent(out) == [("PUBREC", 7, 0)]
    assert not owed.receive_qos_2(7)  # again: the PUBREC was lost
    assert sent(out) == [("PUBREC", 7, 0)]
    owed.release(7)
    owed.release(7)  # again: the PUBCOMP was lost
    assert sent(out) == [("PUBCOMP", 7, 0)] * 2
    assert owed.receive_qos_2(7)  # the id is free for another message


def test_a_release_before_its_time_is_an_error_of_the_client():
    owed, _ = made()
    owed.receive_qos_2(7)
    with pytest.raises(ProtocolError) as caught:
        owed.release(7)
    assert caught.value.code == Reason.PROTOCOL_ERROR


def test_a_release_of_nothing_is_told_so_in_5():
    owed, out = made(V5)
    owed.release(7)
    assert sent(out, V5) == [("PUBCOMP", 7, 0x92)]


def test_more_than_the_client_was_told_is_an_error():
    owed, _ = made(V5, most=3)
    owed.unanswered += [1, 2, 3]
    owed.check_room()
    owed.unanswered.append(4)
    with pytest.raises(ProtocolError) as caught:
        owed.check_room()
    assert caught.value.code == Reason.RECEIVE_MAXIMUM_EXCEEDED


def test_half_finished_messages_are_bounded(monkeypatch):
    monkeypatch.setattr(answers, "MOST_UNRELEASED", 10)
    owed, _ = made()
    for packet_id in range(1, 11):
        owed.receive_qos_2(packet_id)
        owed.acknowledge([packet_id])
    with pytest.raises(ProtocolError) as caught:
        owed.receive_qos_2(11)
    assert caught.value.code == Reason.QUOTA_EXCEEDED
    owed.release(1)
    assert owed.receive_qos_2(11)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), came=st.lists(st.integers(1, 6), max_size=12))
def test_every_message_gets_one_answer_in_its_turn(data, came):
    owed, out = made()
    owed.unanswered += came
    for packet_id in data.draw(st.permutations(came)):
        owed.acknowledge([packet_id])
    assert sent(out) == pubacks(*came)
    assert owed.unanswered == []
