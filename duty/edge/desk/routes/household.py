"""One household: its case, door, temperatures, incidents, pages; contacts on a press; what is recorded about it."""

import io
from typing import Annotated, Any

import segno
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from duty.access import Allowed, may
from duty.edge.desk import look
from duty.edge.desk.cards import CardMaker, case_days, command_id, incident_address
from duty.edge.desk.cells import state_of
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.history import attempt_rows
from duty.edge.desk.moments import Moments
from duty.edge.desk.orders import answer, order
from duty.edge.desk.places import address_of, name_of, short_grid
from duty.edge.desk.routes.board import grids_of, maker
from duty.edge.desk.say import Say
from duty.edge.desk.strip import DAY_MS, DAYS, Opening, days_of
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.edge.projection import DeviceHealth
from duty.people import Contact, case_id
from duty.picture import Incident
from streams.effects import HouseholdSeen

REASONS = ("rubbish", "parcel", "meal", "test", "medical", "other")
SITES = ("axilla", "ear", "forehead", "wrist", "neck")
LIST_MAX = 300
TEMPERATURES_DAYS = 30
SKEW_SHOWN_MS = 2 * 60_000


def find(parts: Parts, grid: str, building: str, unit: str) -> tuple[str, HouseholdSeen | None]:
    """The household of this address and how it stands.  One never heard of does not exist."""
    household = f"{grid}/{building}/{unit}"
    seen = parts.projection.picture.households.get(household)
    if seen is None and not parts.store.cases(household=household):
        raise NotYours
    return household, seen


def _allowed(visit: Visit, action: str, grid: str) -> bool:
    return isinstance(may(visit.me, action, grid), Allowed)


def _incidents(parts: Parts, household: str) -> list[Incident]:
    """Its incidents, newest first: those in memory and older ones from the store."""
    found = {each.id: each for each in parts.store.incidents(subject=household, limit=50)}
    found |= {each.id: each for each in parts.projection.picture.incidents_of(household)}
    return sorted(found.values(), key=lambda each: -each.raised_ms)


def _door(seen: HouseholdSeen | None, moments: Moments) -> dict[str, str]:
    if seen is None or seen.open is None:
        return {"text": text("household.door_never", moments.language), "tone": "dim", "since": ""}
    if seen.open:
        since = moments.clock(seen.open_since_ms) if seen.open_since_ms else ""
        return {"text": text("household.door_open", moments.language), "tone": "warn-text", "since": since}
    return {"text": text("household.door_closed", moments.language), "tone": "good-text", "since": ""}


def _case(seen: HouseholdSeen | None, moments: Moments) -> dict[str, Any] | None:
    if seen is None or not seen.watched or seen.case_from_ms is None or seen.case_until_ms is None:
        return None
    day, days = case_days(moments, seen.case_from_ms, seen.case_until_ms)
    return {
        "day": day,
        "days": days,
        "from": moments.full(seen.case_from_ms),
        "until": moments.full(seen.case_until_ms),
    }


def _notes(seen: HouseholdSeen | None, moments: Moments) -> list[str]:
    if seen is None:
        return []
    t = moments.language
    rows = []
    if (seen.declared_until_ms or 0) > moments.now_ms:
        rows.append(text("household.declared_until", t, time=moments.clock(seen.declared_until_ms)))
    if seen.declared_today:
        rows.append(text("household.declared_today", t, n=seen.declared_today))
    if (seen.muted_until_ms or 0) > moments.now_ms:
        rows.append(text("household.muted_until", t, time=moments.clock(seen.muted_until_ms)))
    return rows


def _sensor(device: DeviceHealth, seen: HouseholdSeen | None, moments: Moments) -> dict[str, str]:
    t = moments.language
    battery = "—" if device.battery_percent is None else f"{device.battery_percent:g} %"
    low = bool(device.battery_low) or (device.battery_percent is not None and device.battery_percent <= 15)
    skew_ms = None if device.device_ms is None else device.device_ms - device.heard_ms
    silent = seen is not None and seen.silent
    return {
        "name": device.device,
        "heard": moments.clock(device.heard_ms) + (f" · {text('household.silent', t)}" if silent else ""),
        "heard_tone": "bad-text" if silent else "",
        "battery": battery + (f" · {text('household.battery_low', t)}" if low else ""),
        "battery_tone": "bad-text" if low else "",
        "signal": "—" if device.signal is None else f"{device.signal:g}" + (" dBm" if device.signal < 0 else ""),
        "skew": "—"
        if skew_ms is None
        else ("±" if abs(skew_ms) < SKEW_SHOWN_MS else "−" if skew_ms < 0 else "+") + moments.long(abs(skew_ms)),
        "tamper": "1" if device.tamper else "",
    }


def _openings(parts: Parts, household: str, now_ms: int) -> list[Opening]:
    rows = parts.store.openings(household, since_ms=now_ms - (DAYS + 1) * DAY_MS, until_ms=now_ms + DAY_MS)
    return [Opening(opened_ms=each.opened_ms, closed_ms=each.closed_ms, declared=each.declared) for each in rows]


def _opening_row(opening: Opening, moments: Moments) -> dict[str, str]:
    t = moments.language
    opened = moments.full(opening.opened_ms)
    if opening.closed_ms is None:
        said = text("household.strip_still", t, from_=opened)
    else:
        long = moments.long(opening.closed_ms - opening.opened_ms)
        said = text("household.strip_opening", t, from_=opened, long=long)
    how = "strip_declared" if opening.declared else "strip_undeclared"
    return {"text": said, "how": text(f"household.{how}", t), "tone": "" if opening.declared else "bad"}


def _temperatures(parts: Parts, household: str, making: CardMaker, limits: dict[str, float]) -> list[dict[str, str]]:
    since_ms = making.moments.now_ms - TEMPERATURES_DAYS * DAY_MS
    return [
        {
            "celsius": f"{row.celsius:.1f}",
            "site": making.say.site(row.site),
            "time": making.moments.full(row.at_ms),
            "tone": "bad" if row.celsius >= limits.get(row.site, limits[""]) else "",
        }
        for row in sorted(parts.store.temperatures(household, since_ms=since_ms), key=lambda row: -row.at_ms)
    ]


def show(request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str) -> HTMLResponse:
    after = parts.projection.position()
    household, seen = find(parts, grid, building, unit)
    making = maker(request, visit, many_grids=False)
    moments = making.moments
    incidents = _incidents(parts, household)
    open_now = [each for each in incidents if each.state != "closed"]
    openings = _openings(parts, household, visit.now_ms)
    attempts = [each for incident in incidents[:10] for each in parts.store.attempts(incident=incident.id, limit=20)]
    cards = [making.make(each, visit.me, seen) for each in open_now]
    return look.page(
        request,
        visit,
        "household.html",
        active="nav_households",
        after=after,
        grid=grid,
        household=household,
        place=name_of(household, "household", visit.language),
        cards=[look.safe(look.fragment(request, visit, "card.html", card=card)) for card in cards],
        case=_case(seen, moments),
        door=_door(seen, moments),
        notes=_notes(seen, moments),
        sensors=[_sensor(each, seen, moments) for each in parts.projection.devices_of(household)],
        days=days_of(openings, moments),
        openings=[_opening_row(each, moments) for each in sorted(openings, key=lambda each: -each.opened_ms)[:100]],
        temperatures=_temperatures(parts, household, making, request.app.state.files.policy().limits)
        if _allowed(visit, "see-temperatures", grid)
        else None,
        incidents=[
            {
                "address": incident_address(each),
                "story": incident_address(each).replace("/incident?", "/story?"),
                "title": making.title(each),
                "time": moments.full(each.raised_ms),
                "text": making.closing(each) if each.state == "closed" else making.say.reason(each.reason),
            }
            for each in incidents[:30]
        ],
        attempts=attempt_rows(attempts, making)[:40],
        may_see_contacts=_allowed(visit, "see-contacts", grid),
        may_record=_allowed(visit, "record-visit", grid),
        may_declare=_allowed(visit, "declare", grid),
        may_mute=_allowed(visit, "mute", grid),
        may_link=_allowed(visit, "make-link", grid),
        reasons=REASONS,
        sites=SITES,
    )


def contacts(request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str) -> HTMLResponse:
    """A look at the contacts of the household's newest case.  The store records it as it opens them."""
    household, _ = find(parts, grid, building, unit)
    cases = sorted(parts.store.cases(household=household), key=lambda each: -each.from_ms)
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    opened = (
        parts.store.open_contacts(cases[0].id, actor=visit.me.id, at_ms=visit.now_ms, address=visit.address)
        if cases
        else None
    )
    gone = moments.full(cases[0].key_destroyed_ms) if cases and cases[0].key_destroyed_ms is not None else ""
    return look.page(
        request,
        visit,
        "contacts.html",
        active="nav_households",
        place=name_of(household, "household", visit.language),
        back=address_of(household, "household", grid),
        contacts=opened or [],
        gone=gone,
        may_edit=bool(cases) and not gone and _allowed(visit, "edit-contacts", grid),
    )


async def save_contacts(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    building: str,
    unit: str,
) -> Response:
    form = await request.form(max_files=0, max_fields=20)
    names, phones, notes = (list(map(str, form.getlist(field))) for field in ("name", "phone", "note"))
    rows = [
        Contact(name=name.strip()[:80], phone=phone.strip()[:30], note=note.strip()[:300])
        for name, phone, note in zip(names, phones, notes, strict=False)
        if name.strip() or phone.strip()
    ]
    return await look.in_thread(_keep_contacts, request, visit, parts, f"{grid}/{building}/{unit}", rows)


def _keep_contacts(request: Request, visit: Visit, parts: Parts, household: str, rows: list[Contact]) -> Response:
    grid = household.partition("/")[0]
    cases = sorted(parts.store.cases(household=household), key=lambda each: -each.from_ms)
    if not cases:
        raise NotYours
    kept = parts.store.save_contacts(cases[0].id, rows)
    parts.store.audit(
        at_ms=visit.now_ms, actor=visit.me.id, action="edit-contacts", object=household, grid=grid, well=kept,
        detail=f"{len(rows)} contacts", address=visit.address,
    )  # fmt: skip
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    said = (
        text("common.saved", visit.language)
        if kept
        else text("household.contacts_gone", visit.language, time=moments.full(cases[0].key_destroyed_ms))
    )
    return look.said(request, visit, said, well=kept, back=address_of(household, "household", grid))


async def _order(
    request: Request, visit: Visit, parts: Parts, household: str, command: dict[str, Any], *, did: str = "did_other"
) -> Response:
    """Send a command about a household.  The same press within ten seconds is the same command."""
    grid, building, unit = household.split("/")
    await look.in_thread(find, parts, grid, building, unit)
    basis = f"{visit.now_ms // 10_000}.{sorted(command.items())}"
    sent = await order(
        request,
        visit,
        command | {"household": household, "role": visit.roles[0]},
        command_id=command_id(visit.me.id, str(command["command"]), household, basis),
        grid=grid,
    )
    return answer(request, visit, sent, back=address_of(household, "household", grid), did=did)


async def declare(
    request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str,
    reason: Annotated[str, Form(max_length=100)], minutes: Annotated[int, Form(ge=1, le=240)],
) -> Response:  # fmt: skip
    # Whole minutes, so that two taps ask for the same end.
    until_ms = (visit.now_ms // 60_000 + minutes) * 60_000
    command = {"command": "declare", "until": until_ms, "reason": reason}
    return await _order(request, visit, parts, f"{grid}/{building}/{unit}", command, did="did_declare")


async def mute(
    request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str,
    reason: Annotated[str, Form(max_length=200)], minutes: Annotated[int, Form(ge=1, le=240)],
) -> Response:  # fmt: skip
    until_ms = (visit.now_ms // 60_000 + minutes) * 60_000
    command = {"command": "mute", "until": min(until_ms, visit.now_ms + 4 * 3_600_000), "reason": reason}
    return await _order(request, visit, parts, f"{grid}/{building}/{unit}", command, did="did_mute")


async def visit_made(request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str) -> Response:
    return await _order(request, visit, parts, f"{grid}/{building}/{unit}", {"command": "visit"})


async def call_made(request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str) -> Response:
    return await _order(request, visit, parts, f"{grid}/{building}/{unit}", {"command": "call"})


async def temperature(
    request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str,
    celsius: Annotated[str, Form(max_length=8)], site: Annotated[str, Form(max_length=10)] = "",
) -> Response:  # fmt: skip
    household = f"{grid}/{building}/{unit}"
    read = read_celsius(celsius)
    if read is None or site not in SITES:
        back = address_of(household, "household", grid)
        return look.said(
            request, visit, text("resident.bad_celsius", visit.language), well=False, back=back, status=422
        )
    return await _order(
        request, visit, parts, household, {"command": "home-temperature", "celsius": read, "site": site}
    )


def read_celsius(typed: str) -> float | None:
    """What somebody typed as a body temperature, or None when it cannot be one."""
    try:
        celsius = float(typed.strip().replace(",", ".").replace("，", ".").replace("。", "."))
    except ValueError:
        return None
    return round(celsius, 1) if 34 <= celsius <= 43 else None


def households(request: Request, visit: Entered, parts: With, q: str = "") -> HTMLResponse:
    """Those isolating (or those that match a search), the ones with an incident first."""
    grids = grids_of(visit, parts, "see-household")
    chosen = set(grids)
    wanted = q.strip().lower()[:60]
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    say = Say(visit.language, parts.zone, request.app.state.names)
    found = [
        seen
        for seen in parts.projection.picture.all_households()
        if seen.grid in chosen and (wanted in seen.household.lower() if wanted else seen.watched)
    ]
    order_of = {"incident": 0, "open": 1, "silent": 2, "declared": 3, "calm": 4, "none": 5}
    found.sort(key=lambda seen: (order_of[state_of(seen, visit.now_ms)], seen.household))
    rows = []
    for seen in found[:LIST_MAX]:
        state = state_of(seen, visit.now_ms)
        said = text(f"household.state_{state}", visit.language)
        if seen.incidents:
            said = (
                "、".join(map(say.kind, seen.incidents))
                if visit.language == "zh"
                else ", ".join(map(say.kind, seen.incidents))
            )
        case = _case(seen, moments)
        if case:
            said += " · " + text("board.case_day", visit.language, day=case["day"], days=case["days"])
        rows.append(
            {
                "address": address_of(seen.household, "household", seen.grid),
                "place": name_of(seen.household, "household", visit.language),
                "grid": text("common.grid", visit.language, grid=short_grid(seen.grid)),
                "state": state,
                "text": said,
            }
        )
    return look.page(
        request, visit, "households.html", active="nav_households", rows=rows, q=q[:60], many=len(grids) > 1
    )


def qr(request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str) -> HTMLResponse:
    household, seen = find(parts, grid, building, unit)
    return _qr(
        request, visit, household, no_case=_case(seen, Moments(visit.language, parts.zone, visit.now_ms)) is None
    )


def _qr(
    request: Request, visit: Visit, household: str, *, no_case: bool = False, address: str = "", until: str = ""
) -> HTMLResponse:
    drawing = ""
    if address:
        made = io.BytesIO()
        segno.make(address, error="m").save(made, kind="svg", xmldecl=False, svgns=True, scale=8, border=4, nl=False)
        drawing = look.safe(made.getvalue().decode())
    return look.page(
        request,
        visit,
        "qr.html",
        active="nav_households",
        place=name_of(household, "household", visit.language),
        back=address_of(household, "household", household.partition("/")[0]),
        drawing=drawing,
        until=until,
        no_case=no_case,
    )


def make_link(request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str) -> HTMLResponse:
    """A fresh link for the household; those made before end."""
    household, seen = find(parts, grid, building, unit)
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    if seen is None or _case(seen, moments) is None or seen.case_from_ms is None or seen.case_until_ms is None:
        return _qr(request, visit, household, no_case=True)
    with parts.store.together():  # of two made in one moment only the second is good
        parts.store.withdraw_links(household, visit.now_ms)
        token = parts.links.give_resident(
            household, case_id(household, seen.case_from_ms), until_ms=seen.case_until_ms, now_ms=visit.now_ms
        )
        parts.store.audit(
            at_ms=visit.now_ms, actor=visit.me.id, action="make-link", object=household, grid=grid,
            address=visit.address,
        )  # fmt: skip
    address = f"{request.url.scheme}://{request.url.netloc}/r/{token}"
    return _qr(request, visit, household, address=address, until=moments.full(seen.case_until_ms))


def add_to(app: FastAPI) -> None:
    base = "/g/{grid}/h/{building}/{unit}"
    app.get("/households")(households)
    app.get(base)(show)
    app.post(f"{base}/contacts")(contacts)
    app.post(f"{base}/contacts/save")(save_contacts)
    app.post(f"{base}/declare")(declare)
    app.post(f"{base}/mute")(mute)
    app.post(f"{base}/visit")(visit_made)
    app.post(f"{base}/call")(call_made)
    app.post(f"{base}/temperature")(temperature)
    app.get(f"{base}/qr")(qr)
    app.post(f"{base}/qr")(make_link)
