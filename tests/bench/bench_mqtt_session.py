"""What one MQTT message costs in the machine of a connection, beside reading the same bytes by hand.

    python -m tests.bench.bench_mqtt_session [--seconds 0.5] [--payload 80]

Prints microseconds of CPU per message for QoS 0 and 1, for 64 messages a read (a busy bridge) and 1 a read (a door).
"By hand" takes each message out of its bytes with struct and makes nothing of it: no check, no object, no answer; the
ratio is what can be compared from machine to machine. Nothing here passes or fails.
"""

import argparse
import struct
import time
from collections.abc import Callable

from gateway.mqtt.events import Published
from gateway.mqtt.packets import V5, V311, Connect, build
from gateway.mqtt.server_session import ServerSession

TOPIC = "zigbee2mqtt/door-0307"


def batch(version: int, qos: int, payload_bytes: int, count: int) -> bytes:
    payload = b"x" * payload_bytes
    return b"".join(
        build(Published(TOPIC, payload, qos, number if qos else 0, False, False, ()), version)
        for number in range(1, count + 1)
    )


def through_the_session(version: int, data: bytes) -> Callable[[], None]:
    session = ServerSession(opened_at_ms=0)
    session.receive_data(build(Connect(version=version, client_id="door-0307", username="door-0307"), version), 0)
    session.accept()
    session.data_to_send()
    receive, acknowledge, to_send = session.receive_data, session.acknowledge, session.data_to_send

    def once() -> None:
        ids = [event.packet_id for event in receive(data, 0) if type(event) is Published and event.qos]
        acknowledge(ids)
        to_send()

    return once


def by_hand(data: bytes, qos: int, has_properties: bool) -> Callable[[], None]:
    head = struct.Struct(">BBH")

    def once() -> None:
        position = 0
        while position < len(data):
            _, length, topic_bytes = head.unpack_from(data, position)
            header = 2
            if length > 127:
                _, low, high, topic_bytes = struct.unpack_from(">BBBH", data, position)
                length, header = low - 128 + (high << 7), 3
            start = position + header + 2
            end = position + header + length
            _ = data[start : start + topic_bytes]
            _ = data[start + topic_bytes + 2 * qos + has_properties : end]
            position = end

    return once


def microseconds(once: Callable[[], None], messages: int, seconds: float) -> float:
    """CPU per message: the best of five stretches, because whatever else runs only ever adds."""
    once()
    rounds = 1
    while True:
        started = time.process_time()
        for _ in range(rounds):
            once()
        if time.process_time() - started > seconds / 50:
            break
        rounds *= 2
    rounds *= 10
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(rounds):
            once()
        best = min(best, time.process_time() - started)
    return best / rounds / messages * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="about how long each figure is measured")
    parser.add_argument("--payload", type=int, default=80, help="bytes of payload")
    arguments = parser.parse_args()
    print(f"CPU per message, payload of {arguments.payload} bytes")
    print(f"{'MQTT':6} {'QoS':4} {'a read':7} {'session':>9} {'by hand':>9} {'ratio':>6}")
    for version, name in ((V311, "3.1.1"), (V5, "5")):
        for qos in (0, 1):
            for count in (64, 1):
                data = batch(version, qos, arguments.payload, count)
                session = microseconds(through_the_session(version, data), count, arguments.seconds)
                hand = microseconds(by_hand(data, qos, version == V5), count, arguments.seconds)
                print(
                    f"{name:6} {qos:<4} {count:<7} {session:6.2f} µs {hand:6.2f} µs {session / hand:5.1f}x", flush=True
                )


if __name__ == "__main__":
    main()
