"""What the push door takes: `python -m pytest -m bench tests/bench/bench_push.py -s`.

Twenty connections over TLS push openings and closings one after another, each waiting for its 200, as a platform does;
the gateway is a process of its own and commits before it answers.
"""

import asyncio
import json
import os
import ssl
import statistics
import time
from pathlib import Path

import pytest

from tests.gateway.running import Gateway
from tests.live.test_pushes import DEVICES, KEY, PLATFORMS, TOKEN, push_table
from tests.servers.process import free_port

pytestmark = pytest.mark.bench

CONNECTIONS = 20
SECONDS = 5.0


def cpu_s(gateway: Gateway) -> float:
    """User and system time so far, of the kernel's own counting."""
    fields = Path(f"/proc/{gateway.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def pushing(port: int, tls: ssl.SSLContext, number: int, until_s: float) -> list[float]:
    """Milliseconds of each push."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    took: list[float] = []
    base_ms = int(time.time() * 1000) - 60_000
    while time.monotonic() < until_s:
        said = {
            "messageType": "dataReport",
            "deviceId": "dev-c",
            "timestamp": base_ms + number + CONNECTIONS * len(took),
            "payload": {"door_status": len(took) % 2},
        }
        body = json.dumps(said).encode()
        begun = time.perf_counter()
        writer.write(
            f"POST /push/ctwing-1/{KEY} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        status = await reader.readline()
        assert b" 200 " in status, status
        await reader.readuntil(b"}")
        took.append((time.perf_counter() - begun) * 1000)
    writer.close()
    return took


def test_pushes_a_second(tmp_path, authority):
    port = free_port()
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "onenet.token").write_text(TOKEN)
    more = push_table(port, authority) + "rate_per_platform_s = 100000\nrate_per_address_s = 100000\n"
    tls = ssl.create_default_context(cafile=str(authority.certificate))

    async def run() -> list[float]:
        until_s = time.monotonic() + SECONDS
        found = await asyncio.gather(*(pushing(port, tls, n, until_s) for n in range(CONNECTIONS)))
        return sorted(ms for one in found for ms in one)

    with Gateway(tmp_path / "gateway", rows=DEVICES + PLATFORMS, more=more) as gateway:
        before_s = cpu_s(gateway)
        took = asyncio.run(run())
        cpu_us = (cpu_s(gateway) - before_s) / len(took) * 1e6
        health = gateway.health()
    print(
        f"\n{len(took) / SECONDS:.0f} pushes/s over {CONNECTIONS} connections, p50 {statistics.median(took):.1f} ms, "
        f"p99 {took[len(took) * 99 // 100]:.1f} ms, {cpu_us:.0f} µs of the gateway each, "
        f"{health['inbox']['commits']} commits"
    )
    assert health["push"]["taken"] == len(took)
