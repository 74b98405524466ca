"""A load of MQTT devices in one process: raw sockets, packets built beforehand, each PUBACK's wait measured.

Run by the benches as a process of its own; prints one line of JSON.
"""

import argparse
import json
import os
import select
import socket
import statistics
import struct
import time
from collections import deque
from typing import Any


def text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def packet(first: int, body: bytes) -> bytes:
    length = len(body)
    written = bytearray()
    while True:
        byte = length & 0x7F
        length >>= 7
        written.append(byte | 0x80 if length else byte)
        if not length:
            return bytes((first,)) + bytes(written) + body


def connect_packet(name: str, secret: str) -> bytes:
    flags = 0xC2 if secret else 0x02
    body = b"\x00\x04MQTT\x04" + bytes((flags,)) + (600).to_bytes(2, "big") + text(name.encode())
    if secret:
        body += text(name.encode()) + text(secret.encode())
    return packet(0x10, body)


class Device:
    """One connection: what it sends is two packets (open, closed) with the packet id put in."""

    def __init__(self, number: int, port: int, secret: str, share_one_client: bool) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"load-{number}" if share_one_client else f"door-{number}"
        self.sock.sendall(connect_packet(name, secret))
        topic = text(f"zigbee2mqtt/door-{number}".encode())
        self.packets: list[tuple[bytes, bytes]] = []
        for contact in ("false", "true"):
            payload = f'{{"contact":{contact},"battery":97,"linkquality":120,"voltage":3025}}'.encode()
            whole = packet(0x32, topic + b"\0\0" + payload)
            at = len(whole) - len(payload) - 2
            self.packets.append((whole[:at], whole[at + 2 :]))
        self.next_id = 0
        self.waits: deque[float] = deque()
        self.left = b""
        self.unsent = b""

    def build(self, count: int, now: float) -> bytes:
        parts: list[bytes] = []
        for _ in range(count):
            self.next_id = self.next_id % 65_535 + 1
            head, tail = self.packets[self.next_id & 1]
            parts += (head, self.next_id.to_bytes(2, "big"), tail)
            self.waits.append(now)
        return b"".join(parts)

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
        self.devices: dict[int, Device] = {}
        self.found: list[float] = []
        self.acknowledged = 0
        self.waiting = 0
        self.lost = 0

    def connect(self) -> None:
        begun = time.monotonic()
        for number in range(self.arguments.connections):
            device = Device(number, self.arguments.port, self.arguments.secret, self.arguments.through_broker)
            self.devices[device.sock.fileno()] = device
        for device in self.devices.values():
            answer = device.sock.recv(4)
            if answer[3:] != b"\0":
                raise SystemExit(f"refused: {answer!r}")
            device.sock.setblocking(False)
            self.poll.register(device.sock, select.EPOLLIN)
        self.connecting_s = time.monotonic() - begun

    def receive(self, timeout_s: float, refill: int) -> None:
        for fd, _ in self.poll.poll(timeout_s, 1024):
            device = self.devices[fd]
            try:
                data = device.left + device.sock.recv(262_144)
            except BlockingIOError:
                continue
            if not data:
                self.lost += 1
                self.poll.unregister(fd)
                continue
            now = time.monotonic()
            whole = len(data) & ~3
            count = whole // 4
            device.left = data[whole:]
            if data[0] != 0x40 or struct.unpack_from(">H", data, whole - 2)[0] == 0:
                raise SystemExit(f"not a PUBACK: {data[:8]!r}")
            waits = device.waits
            if self.measuring:
                self.found += [now - waits.popleft() for _ in range(count)]
            else:
                for _ in range(count):
                    waits.popleft()
            self.acknowledged += count
            self.waiting -= count
            if refill and not self.ending:
                self.waiting += count
                device.send(device.build(count, now))
            elif device.unsent:
                data, device.unsent = device.unsent, b""
                device.send(data)

    def run(self) -> dict[str, Any]:
        arguments = self.arguments
        devices = list(self.devices.values())
        self.measuring = self.ending = False
        flat_out = arguments.rate == 0
        if flat_out:
            now = time.monotonic()
            for device in devices:
                device.send(device.build(arguments.window, now))
            self.waiting = arguments.window * len(devices)
        begun = time.monotonic()
        measured_from = begun + arguments.warm_up_s
        end = measured_from + arguments.seconds
        sent, turn = 0, 0
        first = cpu_first = None
        while (now := time.monotonic()) < end:
            if not self.measuring and now >= measured_from:
                self.measuring = True
                first, cpu_first = (now, self.acknowledged), cpu_of(arguments.pid)
            if not flat_out:
                due = int((now - begun) * arguments.rate) - sent
                each = max(1, min(due // len(devices), 50))
                while due > 0:
                    device = devices[turn % len(devices)]
                    turn += 1
                    device.send(device.build(each, now))
                    due -= each
                    sent += each
                    self.waiting += each
            self.receive(0.0005, flat_out)
        assert first is not None
        took_s = time.monotonic() - first[0]
        done = self.acknowledged - first[1]
        cpu_s = [a - b for a, b in zip(cpu_of(arguments.pid), cpu_first or [], strict=True)]
        self.ending = True
        patience = time.monotonic() + 10
        while self.waiting > 0 and time.monotonic() < patience:
            self.receive(0.05, 0)
        found = sorted(self.found)
        return {
            "connections": arguments.connections,
            "connecting_s": round(self.connecting_s, 2),
            "messages": self.acknowledged,
            "rate": round(done / took_s),
            "p50_ms": round(1000 * statistics.median(found), 2) if found else None,
            "p99_ms": round(1000 * found[len(found) * 99 // 100], 2) if found else None,
            "max_ms": round(1000 * found[-1], 2) if found else None,
            "cpu_us": [round(1e6 * one / max(done, 1), 1) for one in cpu_s],
            "unacknowledged": self.waiting,
            "lost_connections": self.lost,
            "rss_mb": [rss_mb(pid) for pid in arguments.pid],
        }


def cpu_of(pids: list[int]) -> list[float]:
    """Seconds of processor time that each of these processes has used."""
    ticks = os.sysconf("SC_CLK_TCK")
    found: list[float] = []
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        found.append((int(fields[11]) + int(fields[12])) / ticks)
    return found


def rss_mb(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--rate", type=int, default=1000, help="messages a second; 0: flat out")
    parser.add_argument("--window", type=int, default=100, help="flat out: unanswered messages a connection")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warm-up-s", type=float, default=1)
    parser.add_argument("--secret", default="a secret")
    parser.add_argument("--through-broker", action="store_true", help="client ids of no device's, no password")
    parser.add_argument("--pid", type=int, action="append", default=[], help="whose processor time to measure")
    arguments = parser.parse_args()
    if arguments.through_broker:
        arguments.secret = ""
    load = Load(arguments)
    load.connect()
    print(json.dumps(load.run()))


if __name__ == "__main__":
    main()
