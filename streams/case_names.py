"""Under what names a household's points stand: a pseudonym for one case, made of a secret that is forgotten with it.

The secret is random, given by the edge, one for each case.  While it is kept, whoever keeps it can find the case's
points; once it is forgotten nobody can say whose they were, and another case of the same household has other names.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b

import msgspec

from streams.effects import HouseholdSeen

NewSecret = Callable[[], bytes]

_LARGEST = 2**63 - 1
_SECRET = "secret:"
_CASE = "case:"
_encode = msgspec.msgpack.Encoder().encode
_decode_cases = msgspec.msgpack.Decoder(tuple[tuple[int, int], ...]).decode


class NamedCase(msgspec.Struct, frozen=True):
    """A case and what its points are called by.  [from_ms, until_ms); `household` is the tag of that name."""

    place: str
    from_ms: int
    until_ms: int
    secret: bytes

    @property
    def household(self) -> str:
        """The tag `household` of the case's points: 16 hexadecimal digits."""
        return _digest(self.secret, "")

    def device(self, device: str) -> str:
        """The tag `device` of a sensor's points in this case."""
        return _digest(self.secret, device)


class CaseNames:
    """Which households have a case when.  `kept` is what earlier `take_changes` handed out."""

    def __init__(self, *, new_secret: NewSecret, kept: Mapping[str, bytes]) -> None:
        self._new_secret = new_secret
        self._cases: dict[str, tuple[tuple[int, int], ...]] = {}
        self._secrets: dict[str, bytes] = {}
        self._changed: dict[str, bytes | None] = {}
        for key, value in kept.items():
            if key.startswith(_CASE):
                self._cases[key.removeprefix(_CASE)] = _decode_cases(value)
            elif key.startswith(_SECRET):
                self._secrets[key] = value

    def take_changes(self) -> dict[str, bytes | None]:
        """What is to be kept (None: forgotten) since the last call.  `kept_first` says what before all else."""
        changed, self._changed = self._changed, {}
        return changed

    def seen(self, seen: HouseholdSeen) -> bool:
        """How a household stands now; whether a case began, ended or moved by it."""
        cases = self._cases.get(seen.household, ())
        if seen.watched and seen.case_from_ms is not None:
            until_ms = _LARGEST if seen.case_until_ms is None else seen.case_until_ms
            new = (*(case for case in cases if case[0] != seen.case_from_ms), (seen.case_from_ms, until_ms))
            key = _secret_key(seen.household, seen.case_from_ms)
            if key not in self._secrets:
                self._secrets[key] = secret = self._new_secret()
                self._changed[key] = secret
        else:
            # Ended before its time, or as planned: either way nothing later belongs to it.
            new = tuple((from_ms, min(until_ms, max(seen.t_ms, from_ms))) for from_ms, until_ms in cases)
        if new == cases:
            return False
        self._keep(seen.household, new)
        return True

    def case_at(self, household: str, at_ms: int) -> NamedCase | None:
        """The case the household has at that time."""
        for from_ms, until_ms in self._cases.get(household, ()):
            if from_ms <= at_ms < until_ms:
                return self._named(household, from_ms, until_ms)
        return None

    def has_any(self, household: str) -> bool:
        """Whether a case of this household is known at all."""
        return household in self._cases

    def ended(self, before_ms: int) -> list[NamedCase]:
        """Cases that ended before `before_ms` and are not forgotten."""
        return [
            self._named(household, from_ms, until_ms)
            for household, cases in self._cases.items()
            for from_ms, until_ms in cases
            if until_ms < before_ms
        ]

    def forget(self, case: NamedCase) -> None:
        """From now on nothing links the points of this case to the household."""
        self._keep(case.place, tuple(each for each in self._cases.get(case.place, ()) if each[0] != case.from_ms))
        key = _secret_key(case.place, case.from_ms)
        if self._secrets.pop(key, None) is not None:
            self._changed[key] = None

    def _named(self, household: str, from_ms: int, until_ms: int) -> NamedCase:
        return NamedCase(household, from_ms, until_ms, self._secrets[_secret_key(household, from_ms)])

    def _keep(self, household: str, cases: tuple[tuple[int, int], ...]) -> None:
        if cases:
            self._cases[household] = cases
        else:
            self._cases.pop(household, None)
        self._changed[_CASE + household] = _encode(cases) if cases else None


def kept_first(changes: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """Secrets that are new: they must be durable before a point is written under them, or a crash in between would
    have the same points written under two names."""
    return {key: value for key, value in changes.items() if value is not None and key.startswith(_SECRET)}


def _secret_key(household: str, from_ms: int) -> str:
    return f"{_SECRET}{household}@{from_ms}"


def _digest(secret: bytes, text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=secret).hexdigest()
