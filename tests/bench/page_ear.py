"""Hears pages over raw sockets and notes when each came: the other end of the bench of the whole job.

Run as a process of its own: `python -m tests.bench.page_ear PORT CLIENT=FILTER …`; a client named `anybody` says no
password.  Prints `ready`; then, for each line on its standard input, one line of JSON with what came since the last
one: [topic, payload, nanoseconds of the monotonic clock].
"""

import json
import select
import socket
import sys
import time

from tests.bench.compound import SECRET
from tests.bench.mqtt_load import connect_packet, packet, text

Heard = list[tuple[str, str, int]]


class Ear:
    """One connection with one subscription."""

    def __init__(self, port: int, client: str, topic_filter: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secret = "" if client.startswith("anybody") else SECRET
        self.sock.sendall(connect_packet(client, secret))
        self._expect(b"\x20\x02\x00\x00")
        self.sock.sendall(packet(0x82, b"\x00\x01" + text(topic_filter.encode()) + b"\x01"))
        self._expect(b"\x90\x03\x00\x01\x01")
        self.left = b""

    def _expect(self, answer: bytes) -> None:
        got = self.sock.recv(len(answer))
        if got != answer:
            raise SystemExit(f"{got!r} instead of {answer!r}")

    def hear(self, heard: Heard) -> None:
        data = self.left + self.sock.recv(262_144)
        now_ns = time.monotonic_ns()
        if len(data) == len(self.left):
            raise SystemExit("the connection ended")
        position = 0
        answers: list[bytes] = []
        while (body := _body(data, position)) is not None:
            start, end = body
            topic_end = start + 2 + int.from_bytes(data[start : start + 2], "big")
            topic = data[start + 2 : topic_end].decode()
            if data[position] & 0x06:
                answers.append(b"\x40\x02" + data[topic_end : topic_end + 2])
                topic_end += 2
            heard.append((topic, data[topic_end:end].decode(), now_ns))
            position = end
        self.left = data[position:]
        if answers:
            self.sock.sendall(b"".join(answers))


def _body(data: bytes, position: int) -> tuple[int, int] | None:
    """Where the body of the packet at `position` begins and ends; None until it is whole."""
    length = shift = 0
    at = position + 1
    while at < len(data):
        length |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return (at, at + length) if at + length <= len(data) else None
    return None


def main() -> None:
    port = int(sys.argv[1])
    ears = {}
    for argument in sys.argv[2:]:
        client, _, topic_filter = argument.partition("=")
        one = Ear(port, client, topic_filter)
        ears[one.sock.fileno()] = one
    poll = select.epoll()
    for fd in [*ears, sys.stdin.fileno()]:
        poll.register(fd, select.EPOLLIN)
    heard: Heard = []
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            if fd in ears:
                ears[fd].hear(heard)
            elif sys.stdin.readline():
                print(json.dumps(heard), flush=True)
                heard.clear()
            else:
                return


if __name__ == "__main__":
    main()
