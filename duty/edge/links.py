"""Links for people without a log-in: the resident's, which ends with the case, and the one tap in a message."""

import secrets

import msgspec

from devices.places import grid_of
from duty import links
from duty.edge.rows.cases import ResidentLink
from duty.edge.store import Store
from duty.people import CaseRow
from duty.picture import Picture
from duty.privacy import subkey
from streams.effects import HouseholdSeen

ANSWER_MS = 24 * 3_600_000


class Told(msgspec.Struct, frozen=True):
    """Whom a message told of what: its link answers for this incident in this person's name and role."""

    page: str
    incident: str
    person: str
    role: str
    told_ms: int


class Links:
    """`address` is where people reach the desk, like https://desk.example; "" while nobody has said it."""

    def __init__(self, store: Store, picture: Picture, *, master_key: bytes, address: str = "") -> None:
        self._store = store
        self._picture = picture
        self._key = subkey(master_key, "links")
        self.address = address.rstrip("/")

    def give_resident(self, household: str, case: str, *, until_ms: int, now_ms: int) -> str:
        """The token of a fresh link for a household; its address is `/r/<token>`."""
        link = ResidentLink(
            id=secrets.token_hex(links.ID_BYTES),
            household=household,
            grid=grid_of(household),
            case=case,
            created_ms=now_ms,
            until_ms=until_ms,
        )
        self._store.add_link(link)
        return links.token(self._key, "resident", link.id)

    def resident(self, token: str, now_ms: int) -> ResidentLink | None:
        """The link of a token, if it is still good: not withdrawn, its case neither over nor released."""
        id = links.read(self._key, "resident", token)
        link = self._store.link(id) if id else None
        if link is None or link.withdrawn_ms is not None or now_ms >= link.until_ms:
            return None
        case = self._store.case(link.case)
        if case is not None and case.released_ms is not None and case.released_ms <= now_ms:
            return None
        return None if _is_over(self._picture.households.get(link.household), link, case) else link

    def answer_path(self, attempt: str) -> str:
        """The path by which the message of an attempt may be answered with one tap."""
        return "/a/" + links.token(self._key, "tap", attempt)

    def answer_address(self, attempt: str) -> str:
        """The whole address to put into a message; "" while nobody has said where the desk is reached."""
        return self.address + self.answer_path(attempt) if self.address else ""

    def answer(self, token: str, now_ms: int) -> Told | None:
        """Whom the link's message told of what; None when it is no link of ours, or a day old."""
        id = links.read(self._key, "tap", token)
        attempt = self._store.attempt(id) if id else None
        if attempt is None or now_ms - attempt.started_ms >= ANSWER_MS:
            return None
        return Told(attempt.page, attempt.incident, attempt.person, attempt.role, attempt.started_ms)


def _is_over(seen: HouseholdSeen | None, link: ResidentLink, case: CaseRow | None) -> bool:
    """The core watched the household under this link's case, and no longer does: it was released."""
    begun_ms = case.from_ms if case is not None else link.created_ms
    return seen is not None and not seen.watched and seen.t_ms >= max(begun_ms, link.created_ms)
