"""The process `threshold desk`: everything is put together here, started in order and stopped in order."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from datetime import tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any

from devices.edge.complaints import Complaint
from devices.edge.metrics_server import Served, serve
from devices.edge.settings import Settings, load, split_address, zone_of
from duty.attempts import Attempt
from duty.edge import anchors, telling_file
from duty.edge.auth import Auth
from duty.edge.book import Book
from duty.edge.channels.base import Tools
from duty.edge.dispatcher import Dispatcher
from duty.edge.door import Door, Sent
from duty.edge.follow import Follow, Worker
from duty.edge.keys import KeyTrouble, master_key
from duty.edge.links import Links
from duty.edge.logs import open_log
from duty.edge.mailroom import Mailroom
from duty.edge.metrics import DeskMetrics
from duty.edge.parts import Parts
from duty.edge.policy_watch import PolicyWatch
from duty.edge.presence import Presence, Sirens
from duty.edge.projection import Projection
from duty.edge.self_test import SelfTest
from duty.edge.site_webhook import SiteWebhook
from duty.edge.store import Store, StoreTrouble
from duty.edge.vitals import Vitals
from duty.picture import Page, Touched
from duty.telling import Telling
from streams.edge.doorbell import Doorbell
from streams.edge.log import LogFull
from streams.edge.sqlite_log import OldSqlite
from streams.frames import NewerFrame, Receipt
from streams.troubles import Detail

DAY_MS = 24 * 3_600_000
STOP_S = 3


def main(config: str | Path) -> int:
    """Run until it is told to stop; the exit code: 0, 1 after a fault, 2 when something must be mended first."""
    try:
        settings = load(config)
        zone = zone_of(settings.policy_path)
        rows = telling_file.load(settings.file)
        settings.data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_run(settings, zone, rows))
    except (Complaint, StoreTrouble, KeyTrouble, LogFull, NewerFrame, OldSqlite, OSError) as error:
        print(f"desk: {error}", file=sys.stderr, flush=True)
        return 2


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def now_ms() -> int:
    """The time of this machine."""
    return time.time_ns() // 1_000_000


def say(text: str) -> None:
    """One line of the log."""
    print(f"desk: {text}", file=sys.stderr, flush=True)


async def _run(settings: Settings, zone: tzinfo, rows: Telling) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    desk = Desk(settings, zone, rows)
    try:
        await desk.start()
        print(f"desk ready: {desk.address}", flush=True)
        stopping = loop.create_task(stop.wait())
        await asyncio.wait({stopping, *desk.tasks}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in desk.tasks:
            if task.done() and not stop.is_set():
                await task  # raises what ended it
                return 1
        return 0
    finally:
        await desk.stop()


class Desk:
    """Every part of the process.  The store is open from the start; nothing else is before `start`, nothing after
    `stop`."""

    def __init__(self, settings: Settings, zone: tzinfo, rows: Telling) -> None:
        """Raises StoreTrouble, KeyTrouble."""
        folder = settings.data_path
        key = master_key(folder)
        self.settings = settings
        self.rows = rows
        self.tasks: list[asyncio.Task[Any]] = []
        self.store = Store.open(settings.desk.database or folder / "desk.db", master_key=key)
        self.auth = Auth(self.store, site=settings.site.name, secure=settings.desk.public_url.startswith("https://"))
        partitions = settings.streams.partitions
        self._cluster: Any = None
        if settings.streams.runtime == "cluster":
            self._cluster = import_module("streams.edge.cluster_status").ClusterStatus(settings, clock_ms=now_ms)
        self._vitals = Vitals(folder, clock_ms=now_ms)
        self._logs = {log: open_log(settings, log) for log in ("outbox", "inbox")}
        self.projection = Projection(
            self.store,
            outbox=self._logs["outbox"],
            inbox=self._logs["inbox"],
            partitions=partitions,
            clock_ms=now_ms,
            start=f"{now_ms():x}",
            alive_ms=self._alive_ms,
        )
        self.door = Door(
            address=settings.gateway.http,
            token_file=folder / "door.token",
            outcome=self.projection.outcome_of,
        )
        self.links = Links(self.store, self.projection.picture, master_key=key, address=settings.desk.public_url)
        self._presence, self._sirens = Presence(), Sirens()
        self._tools = Tools(
            clock_ms=now_ms,
            timeout_s=rows.timeout_s,
            is_present=self._presence.has,
            siren_receipt=self._sirens.outcome,
        )
        book = Book(self.store, zone, now_ms)
        mail = Mailroom(
            book=book,
            tools=self._tools,
            links=self.links,
            rows=rows,
            zone=zone,
            site=settings.site.name,
            clock_ms=now_ms,
            report=self._report,
            receipt=self._receipt,
            wanted=self._want,
        )
        self.dispatcher = Dispatcher(
            self.store,
            book=book,
            mail=mail,
            rows=rows,
            clock_ms=now_ms,
            presence=self._presence,
            sirens=self._sirens,
            publish=self._publish,
        )
        self.self_test = SelfTest(
            send=self._send,
            report=self._report,
            clock_ms=now_ms,
            every_s=rows.test_every_s,
            late_after_s=rows.test_late_after_s,
            say=say,
        )
        self.policy_watch = PolicyWatch(self.store, settings.policy_path, clock_ms=now_ms, say=say)
        workers: list[Worker] = [self.dispatcher]
        if settings.pages.webhook_url:
            workers.append(self._site_webhook(zone))
        self.projection.followers += workers
        self.projection.inbox.on_receipt = self._on_receipt
        self._workers = workers
        self._doorbell = Doorbell(folder / "bell", "desk", ("outbox", "inbox"))
        self.follow = Follow(
            self.projection,
            workers,
            doorbell=self._doorbell,
            clock_ms=now_ms,
            report=self._report,
            tidy=self._tidy,
            say=say,
        )
        self.parts = Parts(
            settings=settings,
            store=self.store,
            projection=self.projection,
            door=self.door,
            auth=self.auth,
            links=self.links,
            dispatcher=self.dispatcher,
            zone=zone,
            clock_ms=now_ms,
            cluster=self._cluster,
        )
        self._app: Any = None
        self._server: Any = None
        self._metrics = Served()
        self.address = ""

    async def start(self) -> None:
        """Open the port, catch up, begin.  Raises OSError when the port is taken, LogFull, NewerFrame."""
        if self._cluster is not None:
            # Not before the start: a constructor opens nothing.
            await asyncio.to_thread(self._cluster.look)
            self._cluster.start()
        listening = _listen(self.settings.desk.listen)
        bound = listening.getsockname()
        host = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        scheme = "https" if self.settings.desk.certificate else "http"
        self.address = self.settings.desk.public_url or f"{scheme}://{host}:{bound[1]}"
        password = self.auth.first_start(now_ms())
        if password:
            print(f"desk: first start: log in as admin with the one-time password {password}", flush=True)
        self.projection.load()
        for worker in self._workers:
            worker.load()
        await self.follow.catch_up()
        self._app = import_module("duty.edge.desk.app").build(self.parts)
        self._server = _server(self._app, self.settings.desk.certificate, self.settings.desk.private_key)
        figures = DeskMetrics(self.projection, self._presence, clock_ms=now_ms)
        self._metrics = serve(self.settings, figures, "metrics", "desk")
        self.tasks = [
            asyncio.create_task(self.follow.run(), name="follow"),
            asyncio.create_task(self._server.serve(sockets=[listening]), name="web"),
            asyncio.create_task(self.self_test.run(), name="self-test"),
            asyncio.create_task(self.policy_watch.run(), name="policy-watch"),
        ]
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({ready, *self.tasks}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()

    async def stop(self) -> None:
        """End the screens, then what is under way; write down what is known."""
        self.projection.feed.end()
        if self._server is not None:
            self._server.should_exit = True
        if self._app is not None:
            self._app.state.trials.close()
        for task in self.tasks:
            if task.get_name() != "web":
                task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*self.tasks, return_exceptions=True), STOP_S + 1)
        self._metrics.close()
        for worker in self._workers:
            await worker.close()
        await self._tools.close()
        await self.door.close()
        if self.projection.live_since_ms():
            # The place in the logs is written down with it: what was read up to there must be taken on by then.
            for worker in self._workers:
                worker.absorb()
            self.projection.flush(all_of_it=True)
        self._doorbell.close()
        self._vitals.close()
        for log in self._logs.values():
            await asyncio.to_thread(log.close)
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.close)
        self.store.close()

    def _site_webhook(self, zone: tzinfo) -> SiteWebhook:
        pages = self.settings.pages
        secret = Path(pages.webhook_secret_file).read_text().strip() if pages.webhook_secret_file else ""
        incidents = self.projection.picture.incidents

        def raised_ms(incident: str) -> int | None:
            known = incidents.get(incident)
            return known.raised_ms if known else None

        return SiteWebhook(
            self.store,
            url=pages.webhook_url,
            secret=secret,
            tools=self._tools,
            zone=zone,
            clock_ms=now_ms,
            raised_ms=raised_ms,
            report=self._report,
            wanted=self._want,
        )

    # ── what the parts tell one another ──

    def _alive_ms(self) -> int:
        return min(self.self_test.alive_ms(), (self._cluster or self._vitals).alive_ms())

    def _send(self, command: dict[str, Any], command_id: str, timeout_s: float) -> Awaitable[Sent]:
        return self.door.send(command, command_id=command_id, timeout_s=timeout_s)

    def _want(self) -> None:
        self.follow.want()

    def _publish(self, touched: Touched) -> None:
        self.projection.publish(touched)

    def _on_receipt(self, receipt: Receipt) -> None:
        self.dispatcher.received(receipt)

    def _report(self, part: str, well: bool, detail: Detail) -> Awaitable[object]:
        return self.door.report(part, well=well, detail=detail)

    def _receipt(self, attempt: Attempt, page: Page) -> Awaitable[object]:
        return self.door.receipt(
            page=attempt.page,
            grid=attempt.grid,
            channel=attempt.kind,
            outcome=attempt.outcome,
            detail=attempt.detail,
            caused_at_ms=page.cause.at_ms,
            caused_received_ms=page.cause.received_ms,
        )

    def _tidy(self) -> None:
        """Once an hour: what may no longer be kept goes."""
        at_ms = now_ms()
        data = self.settings.data
        try:
            self.store.forget_history(
                raw_before_ms=at_ms - data.raw_days * DAY_MS, incidents_before_ms=at_ms - data.incident_days * DAY_MS
            )
            self.store.forget_deliveries(at_ms - data.incident_days * DAY_MS)
            self.store.forget_sessions(at_ms)
            self.store.destroy_due_keys(keep_days=self.rows.contacts_keep_days, now_ms=at_ms)
            anchors.write(self.settings.data_path, self.store, at_ms)
        except (StoreTrouble, OSError) as error:
            say(f"what is old could not be tidied away: {error}")
        self.projection.tidy()


def _listen(address: str) -> socket.socket:
    """A listening socket.  Raises OSError that says which address."""
    host, port = split_address(address)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        why = f"[desk] listen {address}: {error.strerror}: end what uses the port, or choose another"
        raise OSError(why) from error


def _server(app: Any, certificate: str, private_key: str) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """Says when it serves; signals are this process's own matter."""

        ready = asyncio.Event()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.ready.set()

        def capture_signals(self) -> Any:
            return nullcontext()

    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1,::1",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_S,
        backlog=512,
        ssl_certfile=certificate or None,
        ssl_keyfile=private_key or None,
    )
    return Server(config)
