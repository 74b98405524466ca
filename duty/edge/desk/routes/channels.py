"""How people are reached: their channels in order, each with a button that sends a test."""

import secrets
from typing import Annotated

import msgspec
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from duty.edge.desk import look
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.people import CHANNEL_KINDS, Channel, Person

ORDERS = tuple(range(1, 10))


def _masked(target: str) -> str:
    """Enough of an address to know it again, and no more."""
    if not target:
        return ""
    if "://" in target:
        scheme, _, rest = target.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/…{target[-4:]}"
    if "@" in target:
        name, _, host = target.partition("@")
        return f"{name[:2]}…@{host}"
    return f"{target[:3]}…{target[-2:]}"


def _reach(visit: Visit, person: Person) -> bool:
    """Whether this visitor plans for that person: all of that person's grids are theirs."""
    return all(visit.me.has_grid(grid) for grid in person.grids)


def show(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    return _page(request, visit, parts)


def _page(request: Request, visit: Visit, parts: Parts, *, problem: str = "", status: int = 200) -> HTMLResponse:
    by_person: dict[str, list[Channel]] = {}
    for channel in parts.store.channels():
        by_person.setdefault(channel.person, []).append(channel)
    people = [
        {
            "id": person.id,
            "name": person.name,
            "channels": [
                {
                    "id": each.id,
                    "order": each.order,
                    "kind": text(f"board.channel_{each.kind}", visit.language),
                    "target": _masked(each.target),
                    "enabled": each.enabled,
                }
                for each in sorted(by_person.get(person.id, []), key=lambda each: each.order)
            ],
        }
        for person in parts.store.people()
        if not person.disabled and _reach(visit, person)
    ]
    return look.page(
        request, visit, "channels.html", status, people=people, kinds=CHANNEL_KINDS, orders=ORDERS, problem=problem
    )


def _person(visit: Visit, parts: Parts, person: str) -> Person:
    found = parts.store.person(person)
    if found is None or not _reach(visit, found):
        raise NotYours
    return found


def _channel(visit: Visit, parts: Parts, channel: str) -> Channel:
    found = parts.store.channel(channel)
    if found is None:
        raise NotYours
    _person(visit, parts, found.person)
    return found


def add(
    request: Request, visit: Entered, parts: With,
    person: Annotated[str, Form(max_length=60)], kind: Annotated[str, Form(max_length=20)],
    order: Annotated[int, Form(ge=1, le=9)],
    target: Annotated[str, Form(max_length=1000)] = "", secret: Annotated[str, Form(max_length=500)] = "",
) -> Response:  # fmt: skip
    who = _person(visit, parts, person)
    if kind not in CHANNEL_KINDS or (kind != "desk" and not target.strip()):
        return _page(request, visit, parts, problem=text("admin.channel_bad", visit.language), status=422)
    made = Channel(
        id=f"c-{secrets.token_hex(6)}", person=who.id, order=order, kind=kind,  # type: ignore[arg-type]
        target=target.strip(), secret=secret.strip(),
    )  # fmt: skip
    parts.store.save_channel(made)
    _record(visit, parts, "add-channel", made)
    return look.go_to("/channels")


def change(
    request: Request, visit: Entered, parts: With, channel: str,
    order: Annotated[int | None, Form(ge=1, le=9)] = None, enabled: Annotated[str, Form(max_length=3)] = "",
) -> Response:  # fmt: skip
    before = _channel(visit, parts, channel)
    after = before
    if order is not None:
        after = msgspec.structs.replace(after, order=order)
    if enabled:
        after = msgspec.structs.replace(after, enabled=enabled == "yes")
    parts.store.save_channel(after)
    _record(visit, parts, "change-channel", after)
    return look.go_to("/channels")


def delete(request: Request, visit: Entered, parts: With, channel: str) -> Response:
    before = _channel(visit, parts, channel)
    parts.store.delete_channel(channel)
    _record(visit, parts, "delete-channel", before)
    return look.go_to("/channels")


async def test(request: Request, visit: Entered, parts: With, channel: str) -> Response:
    """Send a test message now; what the channel answered."""
    there = await look.in_thread(_channel, visit, parts, channel)
    answer = await parts.dispatcher.try_out(there)
    await look.in_thread(_record, visit, parts, "test-channel", there, str(answer.outcome))
    said = text(f"board.outcome_{answer.outcome}", visit.language) + (f" · {answer.detail}" if answer.detail else "")
    return look.said(request, visit, said, well=answer.outcome in ("accepted", "unknown"), back="/channels")


def _record(visit: Visit, parts: Parts, action: str, channel: Channel, detail: str = "") -> None:
    parts.store.audit(
        at_ms=visit.now_ms, actor=visit.me.id, action=action, object=channel.person,
        detail=f"{channel.kind} {channel.id} {detail}".strip(), address=visit.address,
    )  # fmt: skip


def add_to(app: FastAPI) -> None:
    app.get("/channels")(show)
    app.post("/channels")(add)
    app.post("/channels/{channel}")(change)
    app.post("/channels/{channel}/delete")(delete)
    app.post("/channels/{channel}/test")(test)
