"""The buildings of a grid as a picture, and one building large enough for a thumb."""

from collections import defaultdict

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from markupsafe import escape
from starlette.responses import Response

from duty.edge.desk import look
from duty.edge.desk.cells import STATES, Cell, draw
from duty.edge.desk.entry import Entered, NotYours, With
from duty.edge.desk.places import address_of
from duty.edge.desk.routes.board import grids_of
from duty.edge.desk.texts import Language, text
from duty.edge.parts import Parts
from streams.effects import HouseholdSeen


def _buildings(parts: Parts, grid: str) -> dict[str, dict[str, HouseholdSeen]]:
    found: dict[str, dict[str, HouseholdSeen]] = defaultdict(dict)
    for seen in parts.projection.picture.all_households():
        if seen.grid == grid and seen.household.count("/") == 2:
            _, building, unit = seen.household.split("/")
            found[building][unit] = seen
    return found


def _order_of(building: str) -> tuple[int, int, str]:
    return (0, int(building), "") if building.isascii() and building.isdigit() else (1, 0, building)


def _cell_maker(language: Language) -> object:
    """One cell as HTML: a link where a home is watched, a mere mark where nothing is to be seen.

    Three thousand cells are drawn for one page, so this is text put together and not a template called.
    """
    names = {state: text(f"household.state_{state}", language) for state in STATES}

    def the_cell(grid: str, building: str, cell: Cell) -> object:
        if not cell.unit:
            return look.safe('<i class="cell gap"></i>')
        key = escape(f"{grid}/{building}/{cell.unit}")
        if cell.state == "none":
            return look.safe(f'<i class="cell none" data-h="{key}"></i>')
        name = text("common.household", language, building=building, unit=cell.unit)
        address = escape(address_of(f"{grid}/{building}/{cell.unit}", "household", grid))
        return look.safe(
            f'<a class="cell {cell.state}" data-h="{key}" href="{address}" '
            f'aria-label="{escape(name)} {escape(names[cell.state])}"></a>'
        )

    return the_cell


async def first(request: Request, visit: Entered, parts: With) -> Response:
    mine = grids_of(visit, parts, "see-buildings")
    return look.go_to(address_of(mine[0], "grid", mine[0]))


def picture(request: Request, visit: Entered, parts: With, grid: str) -> HTMLResponse:
    after = parts.projection.position()
    drawn = [
        draw(building, homes, visit.now_ms)
        for building, homes in sorted(_buildings(parts, grid).items(), key=lambda row: _order_of(row[0]))
    ]
    line = text(
        "household.buildings_sum",
        visit.language,
        buildings=len(drawn),
        households=sum(each.homes for each in drawn),
        watched=sum(each.watched for each in drawn),
    )
    return look.page(
        request,
        visit,
        "buildings.html",
        active="nav_buildings",
        after=after,
        grid=grid,
        grids=grids_of(visit, parts, "see-buildings"),
        buildings=drawn,
        states=STATES,
        sum_line=line,
        the_cell=_cell_maker(visit.language),
    )


def one_building(request: Request, visit: Entered, parts: With, grid: str, building: str) -> HTMLResponse:
    after = parts.projection.position()
    homes = _buildings(parts, grid).get(building)
    if homes is None:
        raise NotYours
    drawn = draw(building, homes, visit.now_ms)
    name = text(
        "household.building_name",
        visit.language,
        building=building,
        n=drawn.homes,
        watched=drawn.watched,
        incidents=drawn.incidents,
    )
    return look.page(
        request,
        visit,
        "building.html",
        active="nav_buildings",
        after=after,
        grid=grid,
        b=drawn,
        states=STATES,
        name=name,
    )


def add_to(app: FastAPI) -> None:
    app.get("/buildings")(first)
    app.get("/g/{grid}/buildings")(picture)
    app.get("/g/{grid}/buildings/{building}")(one_building)
