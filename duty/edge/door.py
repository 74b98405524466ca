"""The gateway's HTTP door, from the desk's side: people's commands go in here, and what became of them comes back."""

from typing import Any, Literal

import msgspec


class Sent(msgspec.Struct, frozen=True):
    """What became of a command.

    `state`: `done` (by outbox: `decision`, `incident`, `by`), `rejected` (`reason` is a word, `detail` a sentence in the
    person's language), `kept` (it is on disk and will be done; the decision has not come in time), `unreachable` (the
    gateway could not be reached or its disk is full: nothing was kept, try again with the same id).
    """

    state: Literal["done", "rejected", "kept", "unreachable"]
    command_id: str
    decision: str = ""
    incident: str = ""
    reason: str = ""
    detail: str = ""
    by: str = ""


class Door:
    """One client for the process."""

    async def send(self, command: dict[str, Any], *, command_id: str = "", timeout_s: float = 3.0) -> Sent:
        """Send a command as in a trace (`command`, its fields, `by`, `role`), without `t`.

        `command_id` is the form's own id: the same id sent twice does one thing and gives the same answer.
        """
        raise NotImplementedError

    async def report(self, part: str, *, well: bool, detail: str = "") -> bool:
        """Tell the core that a part of the system is unwell or well again."""
        raise NotImplementedError

    async def receipt(self, **fields: Any) -> bool: ...
    async def replay_rejects(self, ids: list[int] | None = None) -> dict[str, Any] | None: ...
    async def health(self) -> dict[str, Any] | None: ...
    async def close(self) -> None: ...
