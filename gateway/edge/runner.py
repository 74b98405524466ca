"""The process `threshold gateway`: everything is put together here, started in order and stopped in order."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from datetime import tzinfo
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.edge import fleet_file
from devices.edge.complaints import Complaint
from devices.edge.metrics_server import Served, serve
from devices.edge.settings import Broker, Settings, load, plausible_of, split_address, zone_of
from devices.fleet import Fleet
from devices.formats import Format, table
from gateway.edge import inbox
from gateway.edge.box import Box
from gateway.edge.chores import Chores
from gateway.edge.committer import Committer
from gateway.edge.door_routes import DoorRoutes
from gateway.edge.gate import Gate
from gateway.edge.http_door import Door, token_of
from gateway.edge.keeping import Keeping, Note, Told
from gateway.edge.listener import Listener, Rules, server_tls
from gateway.edge.pages_out import PagesOut
from gateway.edge.push_door import PushDoor, PushRules
from gateway.edge.push_secrets import platforms
from gateway.edge.say import say
from gateway.edge.vitals import Vitals
from gateway.edge.waiting_door import WaitingDoor
from gateway.edge.well_words import WellWords
from gateway.fleet_records import changes, fleet_records
from gateway.identify import subscriptions
from gateway.intake import Intake
from streams.edge.live_clock import LiveClock
from streams.edge.log import LogFull
from streams.edge.sqlite_log import OldSqlite, SqliteReader, wall_clock_ms
from streams.edge.standing import open_standing
from streams.frames import FrameError
from streams.troubles import Detail

if TYPE_CHECKING:
    from gateway.edge.broker_client import BrokerClient


# Of one run: it is to begin anew in the same process.
AGAIN = -1
# A start that takes longer is one that somebody may ask about.
_QUICK_S = 3.0


def main(config: str | Path) -> int:
    """Run until it is told to stop; the exit code: 0, 1 after a fault, 2 when something must be mended first."""
    try:
        settings = load(config)
        formats = table()
        fleet = fleet_file.load(settings.fleet_path, formats)
        zone = zone_of(settings.policy_path)
        settings.data_path.mkdir(parents=True, exist_ok=True)
    except (Complaint, OSError) as error:
        print(f"gateway: {error}", file=sys.stderr, flush=True)
        return 2
    # A thread that waits for the other to let go of the interpreter waits at most so long: a commit has a few such
    # moments, and the ordinary 5 ms each would be most of its time.
    sys.setswitchinterval(0.0005)
    # A message leaves nothing behind that would have to be found by tracing: look for such things seldom.
    gc.set_threshold(50_000, 20, 20)
    try:
        code = AGAIN
        while code == AGAIN:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                code = runner.run(_run(settings, fleet, formats, zone))
        return code
    except Complaint as complaint:
        print(f"gateway: {complaint}", file=sys.stderr, flush=True)
        return 2
    except (LogFull, FrameError, OldSqlite, OSError) as error:
        say("the gateway cannot start", trouble=str(error))
        return 2


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _keeping(settings: Settings, loop: asyncio.AbstractEventLoop) -> Keeping:
    if settings.streams.runtime == "cluster":
        # aiokafka is installed only where there is a cluster.
        keeping: Keeping = import_module("gateway.edge.cluster").ClusterKeeping(settings, loop)
        return keeping
    return Box(settings.data_path, settings.streams.partitions)


async def _opened(keeping: Keeping, stop: asyncio.Event, door: WaitingDoor) -> bool:
    """Open it, waited for: a full disk, or a process just ending, is no reason to give up.  False when told to stop.

    `door` says meanwhile what is waited for.
    """
    said = ""
    pause_s = 0.1
    while not stop.is_set():
        opening = asyncio.ensure_future(keeping.open())
        if not (await asyncio.wait({opening}, timeout=_QUICK_S))[0]:
            await door.open()
        try:
            await opening
            return True
        except LogFull as trouble:
            door.trouble = str(trouble)
            await door.open()
            if str(trouble) != said:
                said = str(trouble)
                say("inbox cannot be opened, trying on", trouble=said)
        try:
            await asyncio.wait_for(stop.wait(), pause_s)
        except TimeoutError:
            pause_s = min(2 * pause_s, 5.0)
    return False


async def _run(settings: Settings, fleet: Fleet, formats: dict[str, Format], zone: tzinfo) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keeping = _keeping(settings, loop)
    door = WaitingDoor(settings, wall_clock_ms)
    try:
        try:
            opened = await _opened(keeping, stop, door)
        finally:
            await door.close()
        if not opened:
            keeping.abandon()
            return 0
        gateway = Gateway(settings, fleet, formats, zone, keeping, loop, stop)
        try:
            stopping = loop.create_task(stop.wait())
            starting = loop.create_task(gateway.start())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                print(f"gateway ready: {gateway.says()}", flush=True)
                await stopping
            starting.cancel()
        finally:
            await gateway.stop()
        return 1 if gateway.fault else AGAIN if gateway.begins_anew else 0
    finally:
        await keeping.close()


class Gateway:
    """Every part of the process.  Nothing is open before `start`, nothing after `stop`."""

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        formats: dict[str, Format],
        zone: tzinfo,
        keeping: Keeping,
        loop: asyncio.AbstractEventLoop,
        stop: asyncio.Event,
    ) -> None:
        folder, gateway = settings.data_path, settings.gateway
        partitions = settings.streams.partitions
        self.fault = ""
        self.begins_anew = False
        self.listener: Listener | None = None
        self.broker: BrokerClient | None = None
        self.pages: PagesOut | None = None
        self.addresses: dict[str, str] = {}
        self._settings = settings
        self._fleet = fleet
        self._formats = formats
        self._loop = loop
        self._stop = stop
        self._keeping = keeping
        kept = keeping.kept
        self._clock = LiveClock()
        self._clock.not_before(kept.newest_ms)
        intake = Intake(
            fleet,
            formats,
            memory=kept.memory,
            bindings=kept.bindings,
            plausible_celsius=plausible_of(settings.policy_path),
        )
        intake.remember(kept.events)
        intake.instant(kept.newest_ms)
        self.gate = Gate(intake, loop=loop, now_ms=self._clock.now_ms, partitions=partitions, name=gateway.name)
        self._committer = Committer(
            keeping.writer, keeping.bell(), self.gate.log_failed, self.gate.log_mended, self._committer_crashed
        )
        self.gate.attach(self._committer)
        if gateway.listen or gateway.tls_listen:
            rules = Rules(
                max_connections=gateway.max_connections,
                max_half_open=max(100, gateway.max_connections // 4),
                rate_per_device_s=gateway.rate_per_device_s,
                allow_anonymous=gateway.allow_anonymous,
            )
            self.listener = Listener(self.gate, fleet, rules, loop=loop)
        self.push: PushDoor | None = None
        if gateway.push.listen:
            push_rules = PushRules(
                max_connections=gateway.push.max_connections,
                rate_per_platform_s=gateway.push.rate_per_platform_s,
                rate_per_address_s=gateway.push.rate_per_address_s,
            )
            self.push = PushDoor(self.gate, platforms(fleet, settings.site.fleet), push_rules, loop=loop)
        outbox = keeping.outbox()
        if outbox is not None and ((fleet.subscribers and self.listener is not None) or gateway.broker is not None):
            self.pages = PagesOut(
                self.gate,
                outbox,
                fleet.subscribers,
                loop=loop,
                zone=zone,
                partitions=partitions,
                cursors=kept.page_cursors,
                with_broker=gateway.broker is not None,
                shared=keeping.shared,
            )
        if gateway.broker is not None:
            self.broker = self._broker_client(gateway.broker)
        self.gate.sources += [source for source in (self.listener, self.broker) if source is not None]
        self._vitals = Vitals(
            self.gate,
            folder,
            listener=self.listener,
            broker=self.broker,
            pages=self.pages,
            push=self.push,
            started_ms=self._clock.now_ms(),
            now_ms=self._clock.now_ms,
            name=gateway.name,
            kept=keeping.seen,
        )
        self._standing = open_standing(settings)
        self._words = WellWords(self.gate, self._standing, loop=loop)
        self.gate.first_well = self._words.first
        door = DoorRoutes(self.gate, keeping.rejects, self._words, self._vitals.health, self._vitals.metrics)
        self._door = Door(door.routes(), token_of(folder), self._door_fault)
        rejects = SqliteReader(folder / inbox.FILE, "rejects") if keeping.forgets else None
        self._metrics = Served()
        self._chores = Chores(
            self.gate, self._committer, rejects, loop=loop, folder=folder, raw_days=settings.data.raw_days
        )

    def _broker_client(self, broker: Broker) -> "BrokerClient":
        # A box without a broker does without paho.
        from gateway.edge.broker_client import BrokerClient

        filters = subscriptions(self.gate.intake.known)
        return BrokerClient(self.gate, broker, filters, loop=self._loop, pages=self.pages)

    async def start(self) -> None:
        """Tell the core of the fleet, then open the doors.  Raises OSError when an address is taken."""
        gateway = self._settings.gateway
        # First: where the inbox cannot be written, health says so while everything else waits.
        await self._listen("http", gateway.http, self._door.listen)
        self._metrics = serve(self._settings, self._vitals, "metrics", "gateway")
        # What was found while opening; from now on the file is the committer's alone.
        salvaged = self._keeping.writer.salvaged
        while salvaged:
            self.gate.tell_mended(salvaged.pop())
        self._committer.start()
        self._keeping.follow(self.gate.intake, self.pages, self)
        await self._tell_fleet()
        if self.pages is not None:
            # Before anybody can come in: who subscribes while nobody hears of it would be told nothing.
            self.pages.start(self._keeping.doorbell(), self.listener)
        if self.listener is not None:
            if gateway.listen:
                await self._listen("mqtt", gateway.listen, self.listener.listen)
            if gateway.tls_listen:
                tls = server_tls(gateway.certificate, gateway.private_key, gateway.client_ca)
                listener = self.listener
                await self._listen("mqtts", gateway.tls_listen, lambda host, port: listener.listen(host, port, tls))
        if self.push is not None:
            push = self.push
            tls = (
                server_tls(gateway.push.certificate, gateway.push.private_key, "") if gateway.push.certificate else None
            )
            await self._listen("push", gateway.push.listen, lambda host, port: push.listen(host, port, tls))
        if self.broker is not None:
            self.broker.start()
            self._watch(self.broker.task, "broker client")
        self._watch(self._chores.start(), "housekeeping")

    def says(self) -> str:
        """Where it can be reached, in a line."""
        broker = self._settings.gateway.broker
        places = [f"{what}={address}" for what, address in self.addresses.items()]
        places += [f"broker={broker.host}:{broker.port}"] if broker is not None else []
        return " ".join([*places, f"devices={len(self._fleet.devices)}"])

    async def stop(self) -> None:
        """Take nothing in any more, finish what was taken in, acknowledge it, say goodbye."""
        self._chores.stop()
        self._words.stop()
        self._standing.stop()
        self._metrics.close()
        self._door.close()
        if self.listener is not None:
            self.listener.stop_reading()
        if self.push is not None:
            self.push.stop_reading()
        if self.broker is not None:
            self.broker.pause()
        if not self.fault and not self.gate.flow.failing:
            try:
                await asyncio.wait_for(self.gate.drained(), 5.0)
            except TimeoutError:
                say("stopped before everything was on disk: what was not acknowledged will be sent again")
        if self.listener is not None:
            await self.listener.close()
        if self.push is not None:
            await self.push.close()
        if self.broker is not None:
            await self.broker.stop()
        if self.pages is not None:
            self.pages.stop()
        if not self.fault:
            # What the goodbyes left to write.
            try:
                await asyncio.wait_for(self.gate.drained(), 1.0)
            except TimeoutError:
                pass
        await self._loop.run_in_executor(None, self._committer.stop, 1.0 if self.gate.flow.failing else 10.0)
        await self._words.over()
        await self._loop.run_in_executor(None, self._standing.close)
        say("stopped")

    # The beginning.

    async def _tell_fleet(self) -> None:
        gate, at_ms = self.gate, self.gate.intake.instant(self._clock.now_ms())
        records = gate.intake.rows(fleet_records(self._fleet, self._formats, at_ms))
        told = changes(self._keeping.kept.told, records, at_ms)
        notes: list[Note] = [Told(told)] if told else []
        if self.pages is not None and self.pages.first_places is not None:
            notes.append(self.pages.first_places)
        if told or notes:
            say("fleet", devices=len(self._fleet.devices), cases=len(self._fleet.cases), told=len(told))
            written = asyncio.Event()
            gate.add(told, notes, written.set)
            await written.wait()

    async def _listen(self, what: str, address: str, listen: Any) -> None:
        host, port = split_address(address)
        try:
            got = await listen(host, port)
        except OSError as error:
            raise OSError(f"{address} ({what}) cannot be opened: {error.strerror or error}") from error
        self.addresses[what] = f"{got[0]}:{got[1]}"
        say("listening", what=what, address=self.addresses[what])

    # Faults of ours end the process, loudly: whoever supervises it starts it again, and nothing acknowledged is lost.

    def crashed(self, what: str, fault: BaseException) -> None:
        self.fault = f"{what}: {type(fault).__name__}: {fault}"
        say("a fault of this program ends the gateway", fault=self.fault)
        self._stop.set()

    # What the keeping tells of itself.

    def report(self, part: str, well: bool, detail: Detail) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self.gate.report, part, well, detail)

    def again(self) -> None:
        """What was not to be had at the start is there now: stop, and begin with it."""
        self.begins_anew = True
        self._stop.set()

    def _committer_crashed(self, fault: BaseException) -> None:
        self._loop.call_soon_threadsafe(self.crashed, "committer", fault)

    def _watch(self, task: "asyncio.Task[None]", what: str) -> None:
        def ended(task: "asyncio.Task[None]") -> None:
            fault = None if task.cancelled() else task.exception()
            if fault is not None:
                self.crashed(what, fault)

        task.add_done_callback(ended)

    def _door_fault(self, path: str, fault: BaseException) -> None:
        say("a fault of this program met a request", path=path, fault=f"{type(fault).__name__}: {fault}")
