"""One that is told pages (a siren, a phone, a broker): a place in `outbox`, and what is under way to it.

The place moves on only when everything before it was accepted, so that a restart sends again what was not, with the
same ids.
"""

from collections import deque
from collections.abc import Mapping

from gateway.pages import Page

# So many pages are read ahead for one hearer; the rest stays in `outbox`.
MOST_WAITING = 256


class _Sending:
    __slots__ = ("accepted", "offset", "page", "partition")

    def __init__(self, partition: int, offset: int, page: Page) -> None:
        self.partition = partition
        self.offset = offset
        self.page = page
        self.accepted = False


class Hearer:
    """`cursors` is partition → offset up to which everything was accepted; `stored` is where that stands now."""

    def __init__(self, name: str, cursors: Mapping[int, int]) -> None:
        self.name = name
        self.read_to = dict(cursors)
        self.stored = dict(cursors)
        self._waiting: deque[_Sending] = deque()
        self._under_way: dict[int, _Sending] = {}
        self._order: dict[int, deque[_Sending]] = {partition: deque() for partition in cursors}

    @property
    def wants_more(self) -> bool:
        """Is there room to read further?"""
        return sum(len(order) for order in self._order.values()) < MOST_WAITING

    def offer(self, partition: int, offset: int, pages: list[Page]) -> None:
        """The frame at `offset` was read; these of its pages are for this hearer."""
        self.read_to[partition] = offset
        for page in pages:
            sending = _Sending(partition, offset, page)
            self._order[partition].append(sending)
            self._waiting.append(sending)

    @property
    def has_under_way(self) -> bool:
        """Was something sent that is not accepted yet?"""
        return bool(self._under_way)

    def next(self) -> Page | None:
        """The page to send next; it stays the next until `sent`."""
        return self._waiting[0].page if self._waiting else None

    def sent(self, token: int) -> None:
        """The next page went out; `token` will name it when it is accepted."""
        self._under_way[token] = self._waiting.popleft()

    def passed(self) -> Page:
        """The next page is not sent, and counts as done."""
        sending = self._waiting.popleft()
        sending.accepted = True
        return sending.page

    def accepted(self, token: int) -> Page | None:
        """The hearer has it; None where nothing of ours has this token."""
        sending = self._under_way.pop(token, None)
        if sending is None:
            return None
        sending.accepted = True
        return sending.page

    def lost(self) -> None:
        """The connection is gone: what was under way goes first over the next one, with the same ids."""
        again = list(self._under_way.values())
        self._under_way.clear()
        self._waiting.extendleft(reversed(again))

    def moved(self) -> dict[tuple[str, int], int]:
        """The cursors that moved since this was last asked, as they are stored."""
        moved: dict[tuple[str, int], int] = {}
        for partition, order in self._order.items():
            while order and order[0].accepted:
                order.popleft()
            # A frame's pages are accepted one by one; it is passed when its last one is.
            place = order[0].offset - 1 if order else self.read_to[partition]
            if place > self.stored[partition]:
                moved[(self.name, partition)] = self.stored[partition] = place
        return moved
