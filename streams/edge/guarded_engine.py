"""The engine, in a process that must not end because of one record.

A mistake of ours that only one event or one household brings out must not leave all others unwatched.  What raised is
put aside: kept with its bytes, counted, said to the supervisor, and tried again at every start, so that a mended
program takes it in.  A step is a pure function, so one that raised has changed nothing.
"""

import traceback
from collections.abc import Iterable
from typing import Literal

import msgspec

from streams.effects import Effect
from streams.engine import Engine
from streams.frames import InboxRecord, encode_inbox
from streams.grid import Wake
from streams.policy import Policy
from streams.state import Record, encode_record

_MOST_TEXT = 4_000


class Fault(msgspec.Struct, frozen=True):
    """What was put aside.

    `sort`: `record` (data: a frame of `inbox` with it alone), `frame` (data: bytes that do not decode), `wake` (`key`:
    whose time came; data: its record as it was), `timer` (`key`: whose due time could not be worked out; data as for a
    wake), `state` (`key` and data: a kept record that does not decode).
    """

    sort: Literal["record", "frame", "wake", "timer", "state"]
    key: str
    data: bytes
    why: str


class GuardedEngine(Engine):
    """An Engine whose faults are gathered instead of raised; what went well before and after them stays whole."""

    def __init__(self, policy: Policy, records: Iterable[tuple[str, Record]] = ()) -> None:
        self._faults: list[Fault] = []
        self._unplanned: set[str] = set()
        super().__init__(policy, records)

    def take_faults(self) -> list[Fault]:
        """What was put aside since the last call, to be written with everything else."""
        faults, self._faults = self._faults, []
        return faults

    def _run(self, item: InboxRecord | Wake) -> list[Effect]:
        try:
            return super()._run(item)
        except Exception as error:  # noqa: BLE001 - see the head of this file
            if isinstance(item, Wake):
                # Its timer is gone until the record changes or the process starts anew.
                self._fault("wake", item.key, self.records.get(item.key), error)
            else:
                self._faults.append(Fault("record", "", encode_inbox([item]), _why(error)))
            return []

    def _plan(self, key: str, record: Record | None) -> None:
        try:
            super()._plan(key, record)
        except Exception as error:  # noqa: BLE001 - see the head of this file
            # Said once: a door that is used all day would fill the quarantine with the same trouble.
            if key not in self._unplanned:
                self._unplanned.add(key)
                self._fault("timer", key, record, error)

    def _fault(self, sort: Literal["wake", "timer"], key: str, record: Record | None, error: Exception) -> None:
        data = b"" if record is None else encode_record(record)
        self._faults.append(Fault(sort, key, data, _why(error)))


def _why(error: Exception) -> str:
    """The error and where it came from, the end of it where it is long."""
    return "".join(traceback.format_exception(error))[-_MOST_TEXT:]
