"""The gateway's HTTP door, from the desk's side: people's commands go in here, and what became of them comes back.

A command is kept by the gateway once; the same id sent twice does one thing.  What the core made of it comes by the
outbox, under the command's id.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from duty.picture import CommandOutcome
from streams.troubles import Detail, fields

if TYPE_CHECKING:
    import httpx

Outcome = Callable[[str, float], Awaitable[CommandOutcome | None]]

TRIES = 3
_PAUSES_S = (0.1, 0.4)
_TIMEOUT_S = 5.0
_AGAIN_S = 5.0


class Sent(msgspec.Struct, frozen=True):
    """What became of a command.

    `state`: `done` (by outbox: `decision`, `incident`, `by`), `rejected` (`reason` is a word, `detail` a sentence for
    a person), `kept` (it is on disk and will be done; the decision has not come in time), `unreachable` (the gateway
    could not be reached or its disk is full: nothing is known to be kept, try again with the same id).
    """

    state: Literal["done", "rejected", "kept", "unreachable"]
    command_id: str
    decision: str = ""
    incident: str = ""
    reason: str = ""
    detail: str = ""
    by: str = ""


class Door:
    """One client for the process.  `address` is the door's host:port; the gateway makes the token file at its first
    start, so it is read when it is needed."""

    def __init__(self, *, address: str, token_file: Path, outcome: Outcome) -> None:
        self._address = address
        self._token_file = token_file
        self._outcome = outcome
        self._client: httpx.AsyncClient | None = None
        self._sending: dict[str, asyncio.Task[Sent]] = {}
        self._reported: set[str] = set()
        self._reporting: dict[str, asyncio.Lock] = {}  # part → whoever reports of it now: the newest must arrive last
        self._first: dict[str, asyncio.Task[None]] = {}  # part → that it was found well, and nothing said before

    async def send(self, command: dict[str, Any], *, command_id: str = "", timeout_s: float = 3.0) -> Sent:
        """Send a command as in a trace (`command`, its fields, `by`, `role`), without `t`.

        `command_id` is the form's own id: sent twice, also at the same time, it does one thing and gives one answer.
        """
        command_id = command_id or secrets.token_hex(12)
        under_way = self._sending.get(command_id)
        if under_way is None:
            under_way = asyncio.ensure_future(self._send(command, command_id, timeout_s))
            self._sending[command_id] = under_way
            under_way.add_done_callback(lambda _: self._sending.pop(command_id, None))
        # A browser that goes away does not take the command with it.
        return await asyncio.shield(under_way)

    async def _send(self, command: dict[str, Any], command_id: str, timeout_s: float) -> Sent:
        known = await self._outcome(command_id, 0)
        if known is not None:
            return _sent(known)
        status, answer = await self._post("/commands", {**command, "id": command_id})
        if status in (400, 413):
            return Sent("rejected", command_id, "rejected", "", _word(answer, "reason"), _word(answer, "detail"))
        if status != 200:
            return Sent("unreachable", command_id, detail=_word(answer, "detail"))
        outcome = await self._outcome(command_id, timeout_s)
        return _sent(outcome) if outcome is not None else Sent("kept", command_id)

    async def message(self, *, client: str, topic: str, payload: str) -> dict[str, Any] | None:
        """A device's message that came by a screen (a reading typed in); what the gateway says of it: `taken` (events)
        and `refused` (a reason).  None when it is not known to be kept: send the very same again."""
        status, answer = await self._post("/messages", {"client": client, "topic": topic, "payload": payload})
        return answer if status == 200 else None

    async def report(self, part: str, *, well: bool, detail: Detail = "") -> bool:
        """Tell the core that a part of the system is unwell or well again; whether the gateway has kept it.

        The first word of this process that a part is well counts only where an earlier one said otherwise; it is sent
        until the gateway knows, and nobody waits for that.
        """
        body: dict[str, Any] = {"part": part, "well": well, **fields(detail)}
        if well and part not in self._reported:
            if part not in self._first:
                self._first[part] = asyncio.ensure_future(self._first_well(part, body | {"if_standing": True}))
            return True
        self._reported.add(part)
        async with self._turn_of(part):
            return (await self._post("/reports", body))[0] == 200

    def _turn_of(self, part: str) -> asyncio.Lock:
        return self._reporting.setdefault(part, asyncio.Lock())

    async def _first_well(self, part: str, body: dict[str, Any]) -> None:
        while True:
            async with self._turn_of(part):
                # What is reported of it meanwhile is newer.
                if part in self._reported or (await self._post("/reports", body))[0] == 200:
                    return
            await asyncio.sleep(_AGAIN_S)

    async def receipt(self, **fields: Any) -> bool:
        """A channel's answer to a page (fields of frames.Receipt); whether the gateway has kept it."""
        return (await self._post("/receipts", fields))[0] == 200

    async def replay_rejects(self, ids: Sequence[int] | None = None) -> dict[str, Any] | None:
        """Feed refused messages in again (None: all); what the gateway says, None when it could not be reached."""
        status, answer = await self._post("/rejects/replay", {} if ids is None else {"ids": list(ids)})
        return answer if status == 200 else None

    async def health(self) -> dict[str, Any] | None:
        """What the gateway says of itself, or None."""
        status, answer = await self._ask("GET", "/health", None)
        return answer if status == 200 else None

    async def close(self) -> None:
        """End what is under way, and the client."""
        for task in [*self._sending.values(), *self._first.values()]:
            task.cancel()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and answer; (0, …) when the gateway cannot be reached.  Tried again: what it keeps, it keeps by id."""
        status, answer = 0, {}
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(_PAUSES_S[attempt - 1])
            status, answer = await self._ask("POST", path, body)
            if status in (200, 400, 413):
                break
        return status, answer

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        import httpx

        if self._client is None:
            # The door is on this machine: no proxy of the environment has a part in it.
            self._client = httpx.AsyncClient(base_url=f"http://{self._address}", timeout=_TIMEOUT_S, trust_env=False)
        try:
            token = self._token_file.read_text().strip()
        except OSError:
            return 0, {"detail": "the gateway has not made its token yet"}
        try:
            response = await self._client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            return 0, {"detail": f"{type(error).__name__}"}
        try:
            answer: Any = response.json()
        except ValueError:
            answer = {}
        return response.status_code, answer if isinstance(answer, dict) else {}


def _sent(outcome: CommandOutcome) -> Sent:
    if outcome.done:
        return Sent("done", outcome.command_id, outcome.decision, outcome.incident, outcome.reason.word, "", outcome.by)
    detail = outcome.reason.values.get("detail", "")
    return Sent(
        "rejected", outcome.command_id, "rejected", outcome.incident, outcome.reason.word, str(detail), outcome.by
    )


def _word(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name, "")
    return value if isinstance(value, str) else ""
