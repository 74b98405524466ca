"""Two long stories: QoS 2 in 3.1.1, and a client that fills its receive maximum in 5."""

from gateway.mqtt.events import Disconnected, ProtocolFailed, Will
from gateway.mqtt.packets import V5, Answer, Disconnect, PacketType
from gateway.mqtt.reasons import Reason
from gateway.mqtt.server_session import Limits
from tests.gateway.mqtt.client import Client, message

PUBREC, PUBREL, PUBCOMP = PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP


def test_a_message_of_qos_2_is_taken_exactly_once_and_only_when_it_is_on_disk():
    gun = Client().comes_in()
    reading = message("gun/temperature", b"36.6", 2, 7)
    again = message("gun/temperature", b"36.6", 2, 7, dup=True)

    assert gun.sends(reading) == [reading]
    assert gun.sends(again) == []  # impatient: the first is not yet on disk
    assert gun.hears() == []
    assert gun.session.unacknowledged == 1

    gun.session.acknowledge([7])  # the frame is on disk
    assert gun.hears() == [Answer(PUBREC, 7)]
    assert gun.sends(again) == []  # the PUBREC was lost on the way
    assert gun.hears() == [Answer(PUBREC, 7)]

    assert gun.sends(Answer(PUBREL, 7)) == []
    assert gun.hears() == [Answer(PUBCOMP, 7)]
    assert gun.sends(Answer(PUBREL, 7)) == []  # the PUBCOMP was lost
    assert gun.hears() == [Answer(PUBCOMP, 7)]

    another = message("gun/temperature", b"36.7", 2, 7)
    assert gun.sends(another) == [another]  # the id is free again

    # A new connection knows nothing of the old one: no session is kept, and the client was told so.
    back = Client().comes_in(clean_start=False)
    assert back.sends(again) == [again]
    assert back.sends(Answer(PUBREL, 6)) == []
    assert back.hears() == [Answer(PUBCOMP, 6)]


def test_a_release_before_the_message_is_on_disk_ends_the_connection():
    gun = Client().comes_in()
    gun.sends(message(qos=2, packet_id=7))
    (failure, _) = gun.sends(Answer(PUBREL, 7))
    assert failure.code == Reason.PROTOCOL_ERROR


def test_a_client_of_5_that_sends_more_than_its_receive_maximum_is_cut_off():
    will = Will("z2m/state", b"offline", 0, True)
    bridge = Client(V5, Limits(receive_maximum=3)).comes_in(will=will)
    said = [message(qos=1, packet_id=n) for n in (1, 2, 3)]
    assert bridge.sends(*said) == said
    assert bridge.sends(message()) == [message()]  # QoS 0 is not counted

    bridge.session.acknowledge([1])
    assert bridge.hears() == [Answer(PacketType.PUBACK, 1)]
    assert bridge.sends(message(qos=1, packet_id=4)) == [message(qos=1, packet_id=4)]

    events = bridge.sends(message(qos=1, packet_id=5))
    assert [type(event) for event in events[-2:]] == [ProtocolFailed, Disconnected]
    assert events[-2].code == Reason.RECEIVE_MAXIMUM_EXCEEDED
    assert events[-1].will == will
    assert bridge.hears() == [Disconnect(Reason.RECEIVE_MAXIMUM_EXCEEDED)]


def test_a_client_of_3_1_1_may_have_as_many_open_as_there_are_packet_ids():
    older = Client(limits=Limits(receive_maximum=3)).comes_in()
    for start in range(1, 65536, 13107):
        older.sends(*[message(qos=1, packet_id=n, payload=b"") for n in range(start, start + 13107)])
    assert older.session.unacknowledged == 65535
    assert not older.session.closed
    events = older.sends(message(qos=1, packet_id=1))  # an id that is still open
    assert events[-2].code == Reason.RECEIVE_MAXIMUM_EXCEEDED
