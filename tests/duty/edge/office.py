"""The desk's way of telling people, whole but for the logs: a real store, real channels to a peer, a clock."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

from duty.attempts import Attempt
from duty.edge.book import Book
from duty.edge.channels.base import Tools
from duty.edge.dispatcher import Dispatcher
from duty.edge.links import Links
from duty.edge.mailroom import Mailroom
from duty.edge.presence import Presence, Sirens
from duty.edge.store import Store
from duty.incident import Incident, after_decision
from duty.people import Channel, StaffRole
from duty.picture import Page, Picture, Touched, page_of
from duty.roster import Shift
from duty.telling import Telling
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.edge.peers import Peer, Request, Says
from tests.duty.effects import decision, raised
from tests.duty.effects import page as page_decision
from tests.duty.rosters import SHANGHAI, person

NOW_MS = 1_581_816_600_000  # 2020-02-16 09:30 in Shanghai


class Office:
    """Two workers and a supervisor of grid g017, each with a robot at the peer: `/wang`, `/li`, `/boss`."""

    def __init__(self, folder: Path, peer: Peer, *, rows: Telling | None = None) -> None:
        self.now_ms = NOW_MS
        self.peer = peer
        self.rows = rows or Telling()
        self.store = Store.open(folder / "desk.db", master_key=MASTER_KEY)
        self.picture = Picture()
        self.reports: list[tuple[str, bool, str]] = []
        self.receipts: list[Attempt] = []
        self.touched: list[Touched] = []
        self.answers: dict[str, Any] = {}
        peer.says = self._says
        self._start()

    def _start(self) -> None:
        self.presence, self.sirens = Presence(), Sirens()
        self.tools = Tools(
            clock_ms=self._clock, timeout_s=60, is_present=self.presence.has, siren_receipt=self.sirens.outcome
        )
        self.links = Links(self.store, self.picture, master_key=MASTER_KEY, address="https://desk.example")
        self.book = Book(self.store, SHANGHAI, self._clock)
        self.mail = Mailroom(
            book=self.book,
            tools=self.tools,
            links=self.links,
            rows=self.rows,
            zone=SHANGHAI,
            site="阳光小区",
            clock_ms=self._clock,
            report=self._report,
            receipt=self._receipt,
            wanted=lambda: None,
        )
        self.dispatcher = Dispatcher(
            self.store,
            book=self.book,
            mail=self.mail,
            rows=self.rows,
            clock_ms=self._clock,
            presence=self.presence,
            sirens=self.sirens,
            publish=self.touched.append,
        )

    def hire(self, name: str, *roles: StaffRole, order: int = 1, robot: bool = True) -> None:
        self.store.save_person(person(name, *roles))
        self.store.save_shift(
            Shift(
                id=name,
                person=name,
                role=(roles or ("worker",))[0],
                grids=("g017",),
                first=date(2020, 2, 1),
                last=date(2020, 3, 1),
                starts_min=0,
                ends_min=1440,
                order=order,
            )
        )
        if robot:
            hook = f"{self.peer.url}/{name}"
            self.store.save_channel(Channel(id=f"{name}-robot", person=name, order=1, kind="wecom", target=hook))

    def team(self) -> "Office":
        self.hire("wang")
        self.hire("li", order=2)
        self.hire("boss", "supervisor")
        return self

    def _clock(self) -> int:
        return self.now_ms

    def _says(self, request: Request) -> Says:
        said = self.answers.get(request.path.strip("/"), {"errcode": 0, "errmsg": "ok"})
        return said if isinstance(said, Says) else Says(200, said)

    async def _report(self, part: str, well: bool, detail: str) -> None:
        self.reports.append((part, well, detail))

    async def _receipt(self, attempt: Attempt, _: Page) -> None:
        self.receipts.append(attempt)

    def page(
        self, number: int = 1, role: str = "worker", *, kind: str = "undeclared-opening", household: str = ""
    ) -> Page:
        subject = household or f"g017/3/{number}"
        return page_of(page_decision(self.now_ms, role, subject=subject, kind=kind, caused_ms=self.now_ms - 2000))

    def incident(self, page: Page, *then: str, by: str = "wang") -> Incident:
        incident = after_decision(None, raised(page.t_ms, subject=page.subject, kind=page.kind))
        incident = after_decision(incident, page_decision(page.t_ms, page.role, subject=page.subject, kind=page.kind))
        for what in then:
            told = decision(self.now_ms, what, subject=page.subject, kind=page.kind, role=page.role, by=by)  # type: ignore[arg-type]
            incident = after_decision(incident, told)
        assert incident is not None
        return incident

    def save(self) -> None:
        with self.store.together():
            self.dispatcher.save()
        self.dispatcher.saved()

    async def turn(self) -> None:
        """Rounds of the loop, until what it sends is answered and nothing more is due now."""
        while True:
            self.dispatcher.absorb()
            self.save()
            self.dispatcher.go()
            if not self.mail._sending:
                return
            await asyncio.gather(*self.mail._sending)

    async def until(self, seconds: float) -> None:
        """Let time pass, doing whatever comes due."""
        end_ms = NOW_MS + round(seconds * 1000)
        await self.turn()
        while (due_ms := self.dispatcher.next_ms()) is not None and due_ms <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            await self.turn()
        self.now_ms = end_ms

    @property
    def told(self) -> list[str]:
        """Whose robot was asked, in order."""
        return [request.path.strip("/") for request in self.peer.requests]

    async def die(self) -> None:
        """kill -9: what was not saved is gone.  The next start follows."""
        for task in list(self.mail._sending):
            task.cancel()
        await self.tools.close()
        self.now_ms += 1000
        self._start()
        self.dispatcher.load()

    async def close(self) -> None:
        await self.dispatcher.close()
        await self.tools.close()
        self.store.close()
