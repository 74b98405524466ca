"""PUBLISH packets of QoS 0 and 1, a whole read buffer at a time: the gateway's hottest loop.

One object a message is made and nothing else; `packets.parse` says the same about one packet, slower
(`tests/gateway/mqtt/test_publish_run.py` holds the two together). Whatever is rare ends the run and is left to it.
"""

from gateway.mqtt import wire
from gateway.mqtt.events import Event, Published
from gateway.mqtt.properties import Place, Property, has, parse_properties
from gateway.mqtt.reasons import ProtocolError, Reason, malformed

# A device says the same few topics again and again: decoding and checking each once is half the cost of a message.
# Both bounds together keep what one connection can make us remember under 20 KB.
MOST_TOPICS = 32
LONGEST_TOPIC = 256


def parse_publishes(
    data: bytes,
    position: int,
    limit: int,
    has_properties: bool,
    topics: dict[bytes, str],
    events: list[Event],
    packet_ids: list[int],
) -> int:
    """Parse from `position` as long as whole PUBLISH packets of QoS 0 or 1 follow; the position behind the last one.

    Appends each message to `events` and the packet id of each of QoS 1 to `packet_ids`. `limit` is the largest packet
    in bytes, `topics` this connection's memory of topics already checked. Raises ProtocolError at the first packet
    that is wrong; what came before it has been appended.
    """
    end = len(data)
    add_event = events.append
    add_packet_id = packet_ids.append
    known_topic = topics.get
    while end - position > 3:
        first_byte = data[position]
        if first_byte & 0xF0 != 0x30 or first_byte & 0x04:
            break  # another packet, QoS 2 or 3
        length = data[position + 1]
        if length < 0x80:
            body = position + 2
        else:
            # A length of two bytes in its shortest form is the other ordinary case; the rest is left to find_packet.
            second = data[position + 2]
            if not 0 < second < 0x80:
                break
            length += (second << 7) - 0x80
            body = position + 3
        stop = body + length
        if stop - position > limit:
            raise ProtocolError(Reason.PACKET_TOO_LARGE, f"a packet is larger than {limit} bytes")
        if stop > end:
            break

        # Four bytes are there at least: a length below 2 reads into the next packet, and is refused just below.
        payload_at = body + 2 + (data[body] << 8 | data[body + 1])
        raw_topic = data[body + 2 : payload_at]
        qos = first_byte & 0x02
        if qos:
            payload_at += 2
            if payload_at > stop:
                raise malformed("a packet ends inside a field")
            packet_id = data[payload_at - 2] << 8 | data[payload_at - 1]
            if packet_id == 0:
                raise ProtocolError(Reason.PROTOCOL_ERROR, "the packet id is 0")
            qos = 1
        else:
            if payload_at > stop:
                raise malformed("a packet ends inside a field")
            packet_id = 0
            if first_byte & 0x08:
                raise malformed("a PUBLISH of QoS 0 is marked as sent again")

        properties = ()
        if has_properties:
            if payload_at == stop:
                raise malformed("a packet ends inside a field")
            if data[payload_at]:
                block = wire.Reader(data[payload_at:stop])
                properties = parse_properties(block, Place.PUBLISH)
                if has(properties, Property.TOPIC_ALIAS):
                    raise ProtocolError(Reason.TOPIC_ALIAS_INVALID, "topic aliases are not taken")
                payload_at += block.position
            else:
                payload_at += 1

        topic = known_topic(raw_topic)
        if topic is None:
            topic = wire.topic_of(raw_topic)
            if len(raw_topic) <= LONGEST_TOPIC and len(topics) < MOST_TOPICS:
                topics[raw_topic] = topic
        # The bits 8 (sent again) and 1 (retain) as truth values.
        add_event(
            Published(
                topic, data[payload_at:stop], qos, packet_id, first_byte & 0x08 != 0, first_byte & 0x01 != 0, properties
            )
        )
        if qos:
            add_packet_id(packet_id)
        position = stop
    return position
