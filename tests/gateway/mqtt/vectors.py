"""Packets as bytes, written by hand from the standards, and what they mean. One row a shape."""

from gateway.mqtt.events import Published, Subscription, Will
from gateway.mqtt.packets import (
    V5,
    V311,
    Answer,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)

# Every property of MQTT 5 in some packet: (version, bytes in hexadecimal, value).
VECTORS: dict[str, tuple[int, str, Packet]] = {
    "connect, the least": (
        V311,
        "10 0e 0004 4d515454 04 02 003c 0002 6431",
        Connect(version=V311, client_id="d1", keep_alive_s=60),
    ),
    "connect, everything": (
        V311,
        "10 22 0004 4d515454 04 ee ffff 0002 6431  0003 612f62 0003 6f6666  0003 6d6529 0003 00ff7f",
        Connect(
            version=V311,
            client_id="d1",
            clean_start=True,
            keep_alive_s=65535,
            username="me)",
            password=b"\x00\xff\x7f",
            will=Will("a/b", b"off", 1, True),
        ),
    ),
    "connect, a session to be kept, will of QoS 2": (
        V311,
        "10 14 0004 4d515454 04 14 0000 0002 6431  0002 c3a9 0000",
        Connect(version=V311, client_id="d1", clean_start=False, will=Will("é", b"", 2, False)),
    ),
    "connect 5, the least": (
        V5,
        "10 0f 0004 4d515454 05 02 000a 00 0002 6431",
        Connect(version=V5, client_id="d1", keep_alive_s=10),
    ),
    "connect 5, a password without a user name": (
        V5,
        "10 12 0004 4d515454 05 42 000a 00 0002 6431 0001 70",
        Connect(version=V5, client_id="d1", keep_alive_s=10, password=b"p"),
    ),
    "connect 5, everything": (
        V5,
        """10 5c 0004 4d515454 05 c4 000a
           26 11 00000e10  21 0014  27 00010000  22 0005  19 01  17 00  26 0001 61 0001 62  26 0001 61 0001 63
              15 0001 6d
           0002 6431
           19 18 00000005  01 01  02 00000e10  03 0001 74  08 0001 72  09 0002 00ff
           0001 77 0002 6f6e
           0001 75 0001 70""",
        Connect(
            version=V5,
            client_id="d1",
            clean_start=False,
            keep_alive_s=10,
            username="u",
            password=b"p",
            will=Will(
                "w",
                b"on",
                0,
                False,
                ((0x18, 5), (0x01, 1), (0x02, 3600), (0x03, "t"), (0x08, "r"), (0x09, b"\x00\xff")),
            ),
            properties=(
                (0x11, 3600),
                (0x21, 20),
                (0x27, 65536),
                (0x22, 5),
                (0x19, 1),
                (0x17, 0),
                (0x26, ("a", "b")),
                (0x26, ("a", "c")),
                (0x15, "m"),
            ),
        ),
    ),
    "connack": (V311, "20 02 00 00", Connack(False, 0)),
    "connack, session present": (V311, "20 02 01 00", Connack(True, 0)),
    "connack, bad password": (V311, "20 02 00 04", Connack(False, 4)),
    "connack 5": (V5, "20 03 00 87 00", Connack(False, 0x87)),
    "connack 5, everything": (
        V5,
        """20 38 00 00 35
           11 00000000  21 0100  24 01  25 01  27 00010000  12 0001 61  22 0000  1f 0001 72  28 00  29 00  2a 00
           13 0078  1a 0001 69  1c 0001 73  15 0001 6d  16 0001 64""",
        Connack(
            False,
            0,
            (
                (0x11, 0),
                (0x21, 256),
                (0x24, 1),
                (0x25, 1),
                (0x27, 65536),
                (0x12, "a"),
                (0x22, 0),
                (0x1F, "r"),
                (0x28, 0),
                (0x29, 0),
                (0x2A, 0),
                (0x13, 120),
                (0x1A, "i"),
                (0x1C, "s"),
                (0x15, "m"),
                (0x16, b"d"),
            ),
        ),
    ),
    "publish, QoS 0": (V311, "30 06 0003 612f62 78", Published("a/b", b"x", 0, 0, False, False, ())),
    "publish, no payload": (V311, "30 05 0003 612f62", Published("a/b", b"", 0, 0, False, False, ())),
    "publish, QoS 1, retain": (V311, "33 08 0003 612f62 0a0b 78", Published("a/b", b"x", 1, 0x0A0B, False, True, ())),
    "publish, QoS 1, sent again": (V311, "3a 07 0003 612f62 ffff", Published("a/b", b"", 1, 65535, True, False, ())),
    "publish, QoS 2": (V311, "34 07 0001 61 0001 00ff", Published("a", b"\x00\xff", 2, 1, False, False, ())),
    "publish, QoS 2, sent again, retain": (V311, "3d 05 0001 61 0001", Published("a", b"", 2, 1, True, True, ())),
    "publish, Chinese topic": (
        V311,
        "30 08 0006 e997a8e7a381",
        Published("门磁", b"", 0, 0, False, False, ()),
    ),
    "publish, 127 bytes": (V311, "30 7f 0001 61" + "78" * 124, Published("a", b"x" * 124, 0, 0, False, False, ())),
    "publish, 128 bytes": (V311, "30 8001 0001 61" + "78" * 125, Published("a", b"x" * 125, 0, 0, False, False, ())),
    "publish, 16,383 bytes": (
        V311,
        "32 ff7f 0001 61 0001" + "78" * 16378,
        Published("a", b"x" * 16378, 1, 1, False, False, ()),
    ),
    "publish, 16,384 bytes": (
        V311,
        "32 808001 0001 61 0001" + "78" * 16379,
        Published("a", b"x" * 16379, 1, 1, False, False, ()),
    ),
    "publish 5, QoS 0": (V5, "30 05 0001 61 00 78", Published("a", b"x", 0, 0, False, False, ())),
    "publish 5, QoS 1, everything": (
        V5,
        """33 26 0001 61 0007
           1f 01 01  02 0000000a  03 0001 74  08 0001 72  09 0001 00  26 0001 6b 0001 76  26 0000 0000
           78""",
        Published(
            "a",
            b"x",
            1,
            7,
            False,
            True,
            ((1, 1), (2, 10), (3, "t"), (8, "r"), (9, b"\x00"), (0x26, ("k", "v")), (0x26, ("", ""))),
        ),
    ),
    "puback": (V311, "40 02 0102", Answer(PacketType.PUBACK, 0x0102)),
    "puback 5": (V5, "40 02 0102", Answer(PacketType.PUBACK, 0x0102)),
    "puback 5, a code": (V5, "40 03 0102 87", Answer(PacketType.PUBACK, 0x0102, 0x87)),
    "puback 5, a code and why": (
        V5,
        "40 08 0102 97 04 1f 0001 72",
        Answer(PacketType.PUBACK, 0x0102, 0x97, ((0x1F, "r"),)),
    ),
    "pubrec": (V311, "50 02 0001", Answer(PacketType.PUBREC, 1)),
    "pubrec 5": (V5, "50 03 0001 10", Answer(PacketType.PUBREC, 1, 0x10)),
    "pubrel": (V311, "62 02 0001", Answer(PacketType.PUBREL, 1)),
    "pubrel 5": (V5, "62 03 0001 92", Answer(PacketType.PUBREL, 1, 0x92)),
    "pubcomp": (V311, "70 02 0001", Answer(PacketType.PUBCOMP, 1)),
    "pubcomp 5": (
        V5,
        "70 0b 0001 00 07 26 0001 61 0001 62",
        Answer(PacketType.PUBCOMP, 1, 0, ((0x26, ("a", "b")),)),
    ),
    "subscribe": (
        V311,
        "82 0d 0001 0003 612f62 01 0002 632f 02",
        Subscribe(1, (Subscription("a/b", 1, 1), Subscription("c/", 2, 2))),
    ),
    "subscribe 5": (
        V5,
        "82 0a 0001 03 0b 8001 0001 23 2d",
        Subscribe(1, (Subscription("#", 1, 0x2D),), ((0x0B, 128),)),
    ),
    "suback": (V311, "90 05 0001 00 01 80", Suback(1, (0, 1, 0x80))),
    "suback 5": (V5, "90 05 0001 00 01 87", Suback(1, (1, 0x87))),
    "unsubscribe": (V311, "a2 08 0001 0001 61 0001 62", Unsubscribe(1, ("a", "b"))),
    "unsubscribe 5": (V5, "a2 06 0001 00 0001 61", Unsubscribe(1, ("a",))),
    "unsuback": (V311, "b0 02 0001", Unsuback(1, ())),
    "unsuback 5": (V5, "b0 05 0001 00 11 00", Unsuback(1, (0x11, 0))),
    "pingreq": (V311, "c0 00", Pingreq()),
    "pingresp": (V311, "d0 00", Pingresp()),
    "disconnect": (V311, "e0 00", Disconnect()),
    "disconnect 5": (V5, "e0 00", Disconnect()),
    "disconnect 5, with will": (V5, "e0 01 04", Disconnect(4)),
    "disconnect 5, everything": (
        V5,
        "e0 0f 00 0d 11 00000000 1f 0001 72 1c 0001 73",
        Disconnect(0, ((0x11, 0), (0x1F, "r"), (0x1C, "s"))),
    ),
    "auth 5": (V5, "f0 00", Auth()),
    "auth 5, everything": (V5, "f0 0a 18 08 15 0001 6d 16 0001 64", Auth(0x18, ((0x15, "m"), (0x16, b"d")))),
}


def whole(name: str) -> tuple[int, bytes, Packet]:
    version, text, packet = VECTORS[name]
    return version, bytes.fromhex(text), packet
