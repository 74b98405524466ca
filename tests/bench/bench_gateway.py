"""What the gateway costs and how long a sensor waits: `python -m pytest -m bench tests/bench/bench_gateway.py -s`.

The whole way in, fsync on: bytes read, packet, format, event, frame, commit, PUBACK.  The wait is the device's own,
from PUBLISH to PUBACK; the processor time is the gateway's per message.  The load runs as a process of its own on the
same machine.  For comparison, in the same run: mosquitto with a plain paho script that only counts, nothing on disk.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.bench.mqtt_load import cpu_of
from tests.gateway.running import Gateway, doors
from tests.servers.process import Server

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

LOAD = Path(__file__).with_name("mqtt_load.py")
# connections, messages a second (0: flat out, so many unanswered a connection)
DIRECT = [(1000, 1000, 0), (1000, 5000, 0), (1000, 15_000, 0), (5000, 5000, 0), (100, 0, 100), (1000, 0, 20)]
THROUGH_BROKER = [(100, 1000, 0), (100, 5000, 0), (100, 0, 20)]
HEAD = f"{'':<26}{'connections':>12}{'asked/s':>9}{'done/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'MB':>5}"

PLAIN_PAHO = """
import sys
import paho.mqtt.client as paho
client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="plain", clean_session=False)
client.on_connect = lambda c, *_: c.subscribe("zigbee2mqtt/#", qos=1)
client.on_subscribe = lambda *_: print("ready", flush=True)
client.on_message = lambda *_: None
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
"""


class PlainPaho(Server):
    name = "plain-paho"

    def command(self) -> list[str]:
        return [sys.executable, "-c", PLAIN_PAHO, str(self.port)]

    def is_ready(self) -> bool:
        return self.log_file.exists() and "ready" in self.log_file.read_text()


def load(port: int, pids: list[int], case: tuple[int, int, int], *more: str, seconds: float = 5) -> dict[str, Any]:
    connections, rate, window = case
    command = [sys.executable, str(LOAD), "--port", str(port), "--connections", str(connections), "--rate", str(rate)]
    command += ["--seconds", str(seconds), *(["--window", str(window)] if window else []), *more]
    for pid in pids:
        command += ["--pid", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["unacknowledged"] == found["lost_connections"] == 0
    return found


def row(what: str, case: tuple[int, int, int], found: dict[str, Any], cpu_us: float, rss_mb: int) -> None:
    asked = str(case[1]) if case[1] else "flat out"
    print(
        f"{what:<26}{case[0]:>12}{asked:>9}{found['rate']:>9}{found['p50_ms']:>9}{found['p99_ms']:>9}"
        f"{cpu_us:>9}{rss_mb:>5}",
        flush=True,
    )


def test_directly(tmp_path):
    gateway = Gateway(tmp_path / "gateway", rows=doors(5000), settings="rate_per_device_s = 10000")
    gateway.start()
    print(f"\n{HEAD}")
    try:
        for case in DIRECT:
            found = load(gateway.port, [gateway.pid], case)
            row("gateway, direct", case, found, found["cpu_us"][0], found["rss_mb"][0])
    finally:
        gateway.stop()


def test_through_a_broker(tmp_path):
    print(f"\n{HEAD}")
    broker = servers.Mosquitto(tmp_path / "mosquitto", settings="fast")
    broker.start()
    # One after the other: two subscribers at once would share the broker's time.
    counter = PlainPaho(tmp_path / "paho", port=broker.port)
    gateway = Gateway(
        tmp_path / "gateway",
        rows=doors(100),
        direct=False,
        more=f'[gateway.broker]\nhost = "127.0.0.1"\nport = {broker.port}\n',
    )
    try:
        for who in (counter, gateway):
            who.start()
            time.sleep(1)
            for case in THROUGH_BROKER:
                before_s = cpu_of([who.pid])[0]
                found = load(broker.port, [who.pid, broker.pid], case, "--through-broker")
                # The broker acknowledges before it hands on: the reader's work is over when it rests again.
                spent_s = at_rest(who.pid) - before_s
                cpu_us = round(1e6 * spent_s / found["messages"], 1)
                row(f"{who.name}, {broker.name}", case, found, cpu_us, found["rss_mb"][0])
            who.stop()
            forget(broker)
    finally:
        counter.stop()
        gateway.stop()
        broker.stop()


def at_rest(pid: int) -> float:
    """Wait until a process does next to nothing; the processor time it has used by then, in seconds."""
    resting_s = 2 / os.sysconf("SC_CLK_TCK")
    before = cpu_of([pid])[0]
    while True:
        time.sleep(0.5)
        now = cpu_of([pid])[0]
        if now - before <= resting_s:
            return now
        before = now


def forget(broker: servers.Mosquitto) -> None:
    """A broker without memory: the session of one that has left must not queue for ever."""
    broker.restart()
