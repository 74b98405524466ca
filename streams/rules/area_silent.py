"""`area-silent`: many sensors of a grid are silent or offline at once: one matter about the area, not one each."""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, part_of_area, raise_incident
from streams.policy import Policy
from streams.state import Grid
from streams.work import Work

KIND = "area-silent"


def many(missing: int, watched: int, policy: Policy) -> bool:
    """Whether so many missing sensors of so many watched ones are the area's matter."""
    return missing >= policy.area_sensors or (missing >= policy.area_least and missing >= watched * policy.area_share)


def missing(work: Work, grid_name: str, device: str, cause: Cause) -> bool:
    """`device` is silent or offline.  True when that is (now) the area's matter."""
    grid = work.grid(grid_name)
    if device not in grid.missing:
        grid = replace(grid, missing=(*grid.missing, device))
        if grid.area and device not in grid.area:
            grid = replace(grid, area=(*grid.area, device))
        work.put_grid(grid)
    if grid.area:
        return True
    if not many(len(grid.missing), len(grid.watched), work.policy):
        return False
    work.put_grid(replace(grid, area=grid.missing))
    values = {"count": len(grid.missing), "of": len(grid.watched)}
    raise_incident(work, grid_name, "grid", grid_name, KIND, Reason("area-silent", values), cause)
    for name in grid.missing:
        sensor = work.sensor(name)
        if sensor is not None:
            part_of_area(work, sensor.place, True)
    return True


def heard(work: Work, grid_name: str, device: str, cause: Cause) -> tuple[str, ...]:
    """`device` is heard again.  The devices that stay silent, each for itself, when the area's matter ends with it."""
    grid = work.grid(grid_name)
    if device not in grid.missing and device not in grid.area:
        return ()
    grid = replace(grid, missing=tuple(d for d in grid.missing if d != device))
    work.put_grid(grid)
    return _ended(work, grid, cause)


def _ended(work: Work, grid: Grid, cause: Cause) -> tuple[str, ...]:
    if not grid.area:
        return ()
    back = sum(1 for d in grid.area if d not in grid.missing)
    if back < len(grid.area) * work.policy.area_heard_share:
        return ()
    work.put_grid(replace(grid, area=()))
    clear_incident(work, grid.grid, KIND, Reason("area-heard", {"count": back, "of": len(grid.area)}), cause)
    return grid.missing
