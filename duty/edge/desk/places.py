"""Places and subjects as people say them."""

from urllib.parse import quote

from duty.edge.desk.texts import Language, text


def name_of(subject: str, where: str, language: Language) -> str:
    """A subject in words: `3 栋 1203`, `Checkpoint north · pass A-0193`."""
    parts = subject.split("/")
    if where == "household" and len(parts) == 3:
        return text("common.household", language, building=parts[1], unit=parts[2])
    if where == "building" and len(parts) == 2:
        return text("common.building", language, building=parts[1])
    if where == "pass" and len(parts) == 3 and "@" in parts[2]:
        # Nobody's pass was read: the person is known by the gun and the time of the first reading.
        gun, _, at = parts[2].partition("@")
        return text("common.pass_gun", language, checkpoint=parts[1], gun=gun, time=at[11:16])
    if where == "pass" and len(parts) == 3:
        return text("common.pass", language, checkpoint=parts[1], name=parts[2])
    if where == "checkpoint" and len(parts) == 2:
        return text("common.checkpoint", language, name=parts[1])
    if where == "bridge":
        return text("common.bridge", language, name=parts[-1])
    if where == "system":
        return text("common.system", language, name=parts[-1])
    if where == "grid":
        return text("common.grid", language, grid=short_grid(subject))
    return subject


def short_grid(grid: str) -> str:
    """`g017` → `17`: the number people use; any other name as it is."""
    digits = grid[1:] if grid[:1] in ("g", "G") else grid
    return digits.lstrip("0") or grid if digits.isascii() and digits.isdigit() else grid


def address_of(subject: str, where: str, grid: str) -> str:
    """The page about a subject, "" where it has none of its own."""
    parts = [quote(part, safe="") for part in subject.split("/")]
    if where == "household" and len(parts) == 3:
        return f"/g/{parts[0]}/h/{parts[1]}/{parts[2]}"
    if where == "building" and len(parts) == 2:
        return f"/g/{parts[0]}/buildings/{parts[1]}"
    if where in ("pass", "checkpoint") and len(parts) >= 2:
        return f"/g/{parts[0]}/c/{parts[1]}"
    if where == "grid":
        return f"/g/{quote(grid, safe='')}/buildings"
    return "/system" if where == "system" else ""
