"""Pages under way: deliveries, attempts, and what the webhook still owes."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, select

from duty.attempts import Attempt
from duty.delivery import Delivery
from duty.edge import tables
from duty.edge.rows.base import Rows

_encode = msgspec.msgpack.Encoder().encode
_delivery = msgspec.msgpack.Decoder(Delivery)


class OwedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page the site's webhook has not accepted yet.  `body` is what is sent, the same every time."""

    page: str
    grid: str
    body: bytes
    began_ms: int
    tries: int = 0
    next_ms: int = 0
    ended_ms: int | None = None
    outcome: str = ""
    detail: str = ""


class DeliveryRows(Rows):
    """What the dispatcher writes."""

    def open_deliveries(self) -> list[Delivery]:
        """Deliveries that are not over, as the last run left them."""
        table = tables.deliveries
        statement = select(table.c.body).where(table.c.ended.is_(False)).order_by(table.c.t_ms, table.c.page)
        with self.together() as connection:
            return [_delivery.decode(body) for body in connection.execute(statement).scalars()]

    def deliveries(
        self, *, incident: str = "", grids: Sequence[str] | None = None, since_ms: int = 0, limit: int = 500
    ) -> list[Delivery]:
        """Deliveries (of an incident, of grids), newest first."""
        table = tables.deliveries
        statement = select(table.c.body).where(table.c.t_ms >= since_ms).order_by(table.c.t_ms.desc(), table.c.page)
        if incident:
            statement = statement.where(table.c.incident == incident)
        if grids is not None:
            statement = statement.where(table.c.grid.in_(list(grids)))
        with self.together() as connection:
            return [_delivery.decode(body) for body in connection.execute(statement.limit(limit)).scalars()]

    def has_delivery(self, page: str) -> bool:
        """Whether this page was taken on before."""
        table = tables.deliveries
        with self.together() as connection:
            return connection.execute(select(table.c.page).where(table.c.page == page)).first() is not None

    def save_deliveries(self, deliveries: Iterable[Delivery]) -> None:
        """Keep deliveries as they are now."""
        self._put(
            tables.deliveries,
            *(
                {
                    "page": one.page.id,
                    "incident": one.page.incident,
                    "grid": one.page.grid,
                    "role": one.page.role,
                    "ended": one.is_over,
                    "t_ms": one.page.t_ms,
                    "body": _encode(one),
                }
                for one in deliveries
            ),
        )

    def save_attempts(self, attempts: Iterable[Attempt]) -> None:
        """Keep attempts, before they are made and when they are answered."""
        self._put(tables.attempts, *(msgspec.structs.asdict(attempt) for attempt in attempts))

    def attempt(self, attempt: str) -> Attempt | None:
        """One attempt by id."""
        with self.together() as connection:
            row = connection.execute(select(tables.attempts).where(tables.attempts.c.id == attempt)).first()
        return Attempt(**row._mapping) if row else None

    def attempts(
        self,
        *,
        incident: str = "",
        page: str = "",
        person: str = "",
        unanswered: bool = False,
        since_ms: int = 0,
        limit: int = 500,
    ) -> list[Attempt]:
        """Attempts (about an incident or a page, to a person), newest first."""
        table = tables.attempts
        statement = select(table).where(table.c.started_ms >= since_ms)
        if incident:
            statement = statement.where(table.c.incident == incident)
        if page:
            statement = statement.where(table.c.page == page)
        if person:
            statement = statement.where(table.c.person == person)
        if unanswered:
            statement = statement.where(table.c.finished_ms.is_(None))
        statement = statement.order_by(table.c.started_ms.desc(), table.c.id).limit(limit)
        with self.together() as connection:
            return [Attempt(**row._mapping) for row in connection.execute(statement).all()]

    def owed_pages(self, limit: int = 2000) -> list[OwedPage]:
        """What the webhook has not accepted, the oldest first."""
        table = tables.webhook_pages
        statement = select(table).where(table.c.ended_ms.is_(None)).order_by(table.c.next_ms, table.c.page).limit(limit)
        with self.together() as connection:
            return [OwedPage(**row._mapping) for row in connection.execute(statement).all()]

    def owe_pages(self, pages: Iterable[OwedPage]) -> None:
        """Take pages on that the webhook is to be told; one taken on before stays as it is."""
        self._put_new(tables.webhook_pages, *(msgspec.structs.asdict(page) for page in pages))

    def save_owed(self, pages: Iterable[OwedPage]) -> None:
        """Keep what became of pages owed to the webhook."""
        self._put(tables.webhook_pages, *(msgspec.structs.asdict(page) for page in pages))

    def forget_deliveries(self, before_ms: int) -> int:
        """Delete what is older than it may be kept; how many rows went."""
        rows: list[Any] = [
            delete(tables.attempts).where(tables.attempts.c.started_ms < before_ms),
            delete(tables.deliveries).where(tables.deliveries.c.ended.is_(True), tables.deliveries.c.t_ms < before_ms),
            delete(tables.webhook_pages).where(tables.webhook_pages.c.ended_ms < before_ms),
        ]
        with self.together() as connection:
            return sum(connection.execute(statement).rowcount for statement in rows)
