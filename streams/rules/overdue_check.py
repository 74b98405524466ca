"""`overdue-check`: a data check assigned to a grid was not returned by its time."""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, raise_incident
from streams.state import Grid
from streams.work import Work

KIND = "overdue-check"
_MOST_KEPT = 200


def assigned(work: Work, grid_name: str, check: str, due_ms: int) -> None:
    """A check is to be returned by `due_ms`."""
    grid = work.grid(grid_name)
    checks = dict(list((grid.checks | {check: due_ms}).items())[-_MOST_KEPT:])
    work.put_grid(replace(grid, checks=checks))


def returned(work: Work, grid_name: str, check: str, by: str) -> None:
    """A check came back: over, once none is overdue."""
    grid = work.grid(grid_name)
    overdue = tuple(c for c in grid.overdue if c != check)
    work.put_grid(replace(grid, checks={c: t for c, t in grid.checks.items() if c != check}, overdue=overdue))
    if not overdue:
        clear_incident(work, grid_name, KIND, Reason("check-returned", {"check": check}), Cause(by=by))


def due_ms(grid: Grid) -> int | None:
    """When the next check that is not overdue yet will be."""
    return min((t for c, t in grid.checks.items() if c not in grid.overdue), default=None)


def on_wake(work: Work, grid: Grid) -> None:
    """Checks whose time is up, by name."""
    for check, due in sorted(grid.checks.items()):
        if due <= work.now_ms and check not in grid.overdue:
            now = work.grid(grid.grid)
            work.put_grid(replace(now, overdue=(*now.overdue, check)))
            raise_incident(work, grid.grid, "grid", grid.grid, KIND, Reason("check-overdue", {"check": check}), Cause())
