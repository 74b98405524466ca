"""A person's commands: sent once however often they are tapped, recorded, and answered with what became of them."""

import asyncio
from collections import OrderedDict
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from duty.edge.desk import look
from duty.edge.desk.entry import Visit, parts_of
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.say import Say
from duty.edge.desk.texts import text
from duty.edge.door import Sent
from streams.effects import Reason

_LOCKS_KEPT = 512


class Turns:
    """One at a time about one thing: of two people who answer in the same second the second one sees the first."""

    def __init__(self) -> None:
        self._locks: OrderedDict[str, asyncio.Lock] = OrderedDict()

    def of(self, key: str) -> asyncio.Lock:
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._locks.move_to_end(key)
        while len(self._locks) > _LOCKS_KEPT:
            oldest = next(iter(self._locks))
            if self._locks[oldest].locked():
                break
            del self._locks[oldest]
        return lock


async def order(request: Request, visit: Visit, command: dict[str, Any], *, command_id: str, grid: str) -> Sent:
    """Send `command` in the name of the visitor and record it in the audit log."""
    parts = parts_of(request)
    sent = await parts.door.send(command | {"by": visit.me.id}, command_id=command_id)
    await run_in_threadpool(
        parts.store.audit,
        at_ms=visit.now_ms,
        actor=visit.me.id,
        action=str(command["command"]),
        object=str(command.get("subject") or command.get("household") or command.get("checkpoint") or ""),
        grid=grid,
        well=sent.state in ("done", "kept"),
        detail=sent.state if sent.state != "rejected" else f"rejected {sent.reason}",
        address=visit.address,
    )
    return sent


def answer(request: Request, visit: Visit, sent: Sent, *, back: str, did: str = "did_other") -> Response:
    """What became of a command, said to the one who gave it."""
    t = visit.language
    match sent.state:
        case "done":
            return look.said(request, visit, text(f"board.{did}", t), well=True, back=back)
        case "kept":
            return look.said(request, visit, text("board.no_answer_yet", t), well=True, back=back, status=202)
        case "unreachable":
            return look.said(request, visit, text("common.door_closed", t), well=False, back=back, status=503)
        case "rejected":
            return look.said(request, visit, why_refused(request, visit, sent), well=False, back=back)


def why_refused(request: Request, visit: Visit, sent: Sent, key: str = "board.refused") -> str:
    """A refusal in words."""
    say = Say(visit.language, parts_of(request).zone, request.app.state.names)
    why = say.reason(Reason(sent.reason, {"detail": sent.detail})) if sent.reason else sent.detail
    return text(key, visit.language, why=why)


def who_and_when(request: Request, visit: Visit, person: str, at_ms: int | None) -> tuple[str, str]:
    """A person's name and a time, for a sentence."""
    names: Names = request.app.state.names
    moments = Moments(visit.language, parts_of(request).zone, visit.now_ms)
    return names(person), moments.clock(at_ms)
