"""The doors of a compound in one process, each a connection of its own: raw sockets, packets built beforehand.

Run by the bench of the whole job.  Prints `begin` and `end` around what is measured, then one line of JSON: what was
acknowledged, how long each PUBACK took, and when each fresh opening was written (nanoseconds of the monotonic clock,
which is the same one in every process of a machine).
"""

import argparse
import json
import random
import select
import socket
import struct
import time
from collections import deque
from typing import Any

from tests.bench.compound import SECRET, Doorway, household
from tests.bench.mqtt_load import connect_packet

DISCONNECT = b"\xe0\0"
OPEN_FOR_S = 2.0


class Connection:
    """A door's connection.  `waits` are the times at which what is not yet acknowledged was written."""

    def __init__(self, number: int, port: int, name: str, secret: str) -> None:
        self.door = Doorway(number)
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(connect_packet(name, secret))
        self.packet_id = 0
        self.waits: deque[float] = deque()
        self.left = b""
        self.unsent = b""

    def numbered(self, parts: tuple[bytes, bytes], now: float) -> bytes:
        self.packet_id = self.packet_id % 65_535 + 1
        self.waits.append(now)
        return self.packet_id.to_bytes(2, "big").join(parts)

    def send(self, data: bytes) -> None:
        if self.unsent:
            self.unsent += data
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        self.unsent = data[sent:]


class Load:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.poll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.found: list[float] = []
        self.openings: dict[str, int] = {}
        self.acknowledged = self.waiting = self.lost = 0
        self.measuring = self.ending = False
        self.next_opening = 0.0

    def connect(self) -> None:
        arguments = self.arguments
        for number in range(arguments.first, arguments.first + arguments.connections):
            name = f"load-{number}" if arguments.through_broker else f"door-{number}"
            secret = "" if arguments.through_broker else SECRET
            connection = Connection(number, arguments.port, name, secret)
            self.connections[connection.sock.fileno()] = connection
        for connection in self.connections.values():
            answer = connection.sock.recv(4)
            if answer[3:] != b"\0":
                raise SystemExit(f"refused: {answer!r}")
            connection.sock.setblocking(False)
            self.poll.register(connection.sock, select.EPOLLIN)

    def first_words(self) -> None:
        """Each door says how it stands: one that was never heard is learnt, and raises nothing."""
        for connection in self.connections.values():
            now = time.monotonic()
            connection.send(connection.numbered(connection.door.stands(), now))
            self.waiting += 1
        self.drain()

    def drain(self) -> None:
        """Wait for what is not acknowledged."""
        patience = time.monotonic() + 10
        while self.waiting > 0 and time.monotonic() < patience:
            self.receive(0.05, False)

    def opening(self, connection: Connection, now: float) -> bytes:
        """A fresh opening, and the next one planned."""
        self.next_opening += 1 / self.arguments.openings
        data = connection.numbered(connection.door.opens(now + OPEN_FOR_S), now)
        if self.measuring:
            self.openings[household(connection.door.number)] = time.monotonic_ns()
        return data

    def refill(self, connection: Connection, count: int, now: float) -> bytes:
        """The next `count` messages of a connection, an opening first where one is due."""
        parts: list[bytes] = []
        if now >= self.next_opening and connection.door.fresh:
            parts.append(self.opening(connection, now))
        while len(parts) < count:
            parts.append(connection.numbered(connection.door.next(now), now))
        self.waiting += count
        return b"".join(parts)

    def receive(self, timeout_s: float, closed_loop: bool) -> None:
        """Take PUBACKs in; in a closed loop each is answered with the next message."""
        for fd, _ in self.poll.poll(timeout_s, 1024):
            connection = self.connections[fd]
            try:
                data = connection.left + connection.sock.recv(65_536)
            except BlockingIOError:
                continue
            if not data:
                self.lost += 1
                self.poll.unregister(fd)
                continue
            now = time.monotonic()
            whole = len(data) & ~3
            count = whole // 4
            connection.left = data[whole:]
            if data[0] != 0x40 or struct.unpack_from(">H", data, whole - 2)[0] == 0:
                raise SystemExit(f"not a PUBACK: {data[:8]!r}")
            for _ in range(count):
                wait = now - connection.waits.popleft()
                if self.measuring:
                    self.found.append(wait)
            self.acknowledged += count
            self.waiting -= count
            if closed_loop and not self.ending:
                connection.send(self.refill(connection, count, now))
            elif connection.unsent:
                data, connection.unsent = connection.unsent, b""
                connection.send(data)

    def run(self) -> dict[str, Any]:
        arguments = self.arguments
        connections = list(self.connections.values())
        random.Random(arguments.first).shuffle(connections)
        fresh = iter([connection for connection in connections if connection.door.fresh])
        flat_out = arguments.rate == 0
        begun = self.next_opening = time.monotonic()
        if flat_out:
            for connection in connections:
                connection.send(self.refill(connection, arguments.window, begun))
        measured_from = begun + arguments.warm_up_s
        end = measured_from + arguments.seconds
        sent = turn = first = 0
        while (now := time.monotonic()) < end:
            if not self.measuring and now >= measured_from:
                self.measuring = True
                first = self.acknowledged
                print("begin", flush=True)
            if not flat_out:
                # Half a second behind at most: a machine that was away is not made to pay for it all at once.
                due = min(int((now - begun) * arguments.rate) - sent, arguments.rate // 2)
                for _ in range(due):
                    if now >= self.next_opening and (connection := next(fresh, None)) is not None:
                        data = self.opening(connection, now)
                    else:
                        connection = connections[turn % len(connections)]
                        turn += 1
                        data = connection.numbered(connection.door.next(now), now)
                    self.waiting += 1
                    connection.send(data)
                sent += due
            self.receive(0.0005, flat_out)
        took_s = now - measured_from
        done = self.acknowledged - first
        self.measuring = False
        self.ending = True
        print("end", flush=True)
        self.drain()
        for connection in connections:
            connection.sock.setblocking(True)
            connection.sock.sendall(DISCONNECT)
            connection.sock.close()
        return {
            "messages": done,
            "seconds": took_s,
            "waits_ms": quantiles(self.found),
            "openings": self.openings,
            "unacknowledged": self.waiting,
            "lost_connections": self.lost,
        }


def quantiles(waits_s: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds; zeros where there is nothing."""
    found = sorted(waits_s)
    if not found:
        return 0.0, 0.0
    return 1000 * found[len(found) // 2], 1000 * found[len(found) * 99 // 100]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="the number of the first door")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=1000, help="messages a second; 0: flat out")
    parser.add_argument("--window", type=int, default=10, help="flat out: unanswered messages a connection")
    parser.add_argument("--openings", type=float, default=50, help="fresh openings a second")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warm-up-s", type=float, default=1)
    parser.add_argument("--through-broker", action="store_true", help="client ids of no device's, no password")
    load = Load(parser.parse_args())
    load.connect()
    load.first_words()
    print(json.dumps(load.run()), flush=True)


if __name__ == "__main__":
    main()
