"""Every story through a real mosquitto: published by one client, taken in by the gateway's broker client, decided by
the local runtime.  Only the clock is the story's."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from devices.edge.fleet_file import load as load_fleet
from devices.edge.settings import Broker
from devices.formats import table
from gateway.edge import inbox
from gateway.edge.broker_client import BrokerClient
from gateway.edge.committer import Committer
from gateway.edge.gate import Gate
from gateway.fleet_records import fleet_records
from gateway.intake import Intake
from streams.commands import BadCommand, parse_command
from streams.edge.doorbell import Bell
from streams.edge.policy_file import load as load_policy
from streams.edge.sqlite_log import SqliteReader
from streams.effects import Decision, Reason
from streams.frames import RejectRecord
from streams.replay import Line, parse_line, rejected
from tests.scenarios.players import decide, merged
from tests.scenarios.story import Story, all_stories, check
from tests.servers import Mosquitto

pytestmark = pytest.mark.timeout(400)

FILTERS = ["threshold/#", "zigbee2mqtt/#", "shellies/#"]
PATIENCE_S = 60.0


class Site:
    """A gateway on a broker, in this process, with a clock that is told the time; and the devices' own client."""

    def __init__(self, story: Story, port: int, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.now_ms = parse_line(1, json.dumps(story.lines[0]).encode()).t_ms
        self.story, self.folder, self.loop = story, folder, loop
        self.refused: list[Decision] = []
        fleet, formats = load_fleet(story.fleet), table()
        self.writer = inbox.open_inbox(folder)
        self.gate = Gate(Intake(fleet, formats), loop=loop, now_ms=lambda: self.now_ms)
        self.committer = Committer(self.writer, Bell(folder / "bell", "inbox"), print, print, print)
        self.gate.attach(self.committer)
        self.committer.start()
        settings = Broker(host="127.0.0.1", port=port, client_id=f"threshold-{story.name}"[:60])
        self.client = BrokerClient(self.gate, settings, FILTERS, loop=loop, pages=None)
        self.gate.sources.append(self.client)
        self.gate.add(self.gate.intake.rows(fleet_records(fleet, formats, self.now_ms)))
        self.devices = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"devices-{story.name}"[:60])
        self.devices.connect("127.0.0.1", port)
        self.devices.loop_start()

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(int(PATIENCE_S / 0.002)):
            if true():
                return
            await asyncio.sleep(0.002)
        raise AssertionError(f"{self.story.name}: nothing came within {PATIENCE_S} s")

    async def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        info = self.devices.publish(topic, payload, qos=1, retain=retain)
        await self.until(info.is_published)

    async def subscribed(self, yes: bool) -> None:
        """Stop or start to listen: a message retained meanwhile comes as one, as after a restart of either side."""
        client, done = self.client._client, threading.Event()
        if yes:
            client.on_subscribe = lambda *_: done.set()
            client.subscribe([(name, 1) for name in FILTERS])
        else:
            client.on_unsubscribe = lambda *_: done.set()
            client.unsubscribe(FILTERS)
        self.client._after_calls()
        await self.until(done.is_set)

    async def plays(self, line: Line) -> None:
        """One line of the story, until it is on disk."""
        self.now_ms = line.t_ms
        if line.message is not None:
            taken, message = self.gate.taken, line.message
            if message.retained:
                await self.subscribed(False)
            await self.publish(message.topic, message.payload, message.retained)
            if message.retained:
                await self.subscribed(True)
            await self.until(lambda: self.gate.taken > taken)
            if message.retained:
                await self.subscribed(False)
                await self.publish(message.topic, b"", True)
                await self.subscribed(True)
        elif line.command is not None:
            command = parse_command(line.command, line.t_ms, f"line-{line.number}")
            if isinstance(command, BadCommand):
                reason = Reason(command.reason, {"detail": command.detail})
                self.refused.append(Decision(line.t_ms, "rejected", "", command.subject, command.kind, reason=reason))
                return
            on_disk = asyncio.Event()
            self.gate.command(command, on_disk.set)
            await asyncio.wait_for(on_disk.wait(), PATIENCE_S)

    async def end(self) -> None:
        await self.gate.drained()
        await self.client.stop()
        self.devices.disconnect()
        self.devices.loop_stop()
        self.committer.stop()


async def told(story: Story, port: int, folder: Path) -> list[Decision]:
    """The whole story through the broker; what the gateway refused of it."""
    site = Site(story, port, folder, asyncio.get_running_loop())
    try:
        site.client.start()
        await site.until(lambda: site.client.connected)
        await site.subscribed(True)
        for number, raw in enumerate(story.lines, start=1):
            await site.plays(parse_line(number, json.dumps(raw).encode()))
    finally:
        await site.end()
    return site.refused + rejects_in(folder)


def rejects_in(folder: Path) -> list[Decision]:
    reader = SqliteReader(folder / inbox.FILE, "rejects")
    rows: list[RejectRecord] = [record for _, record in inbox.rejects_waiting(reader, None, 1000)]
    reader.close()
    return [rejected(row) for row in rows]


@pytest.mark.parametrize("story", all_stories(), ids=lambda s: s.name)
def test_through_mosquitto(story: Story, mosquitto: Mosquitto, tmp_path: Path) -> None:
    refused = asyncio.run(told(story, mosquitto.port, tmp_path))
    decided: list[Any] = decide(story, tmp_path)
    check(story, merged(decided, refused, load_policy(story.policy)))
