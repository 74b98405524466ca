"""The daily bulletin: counts by grid and kind, with small numbers hidden so that nobody can be picked out.

A cell of 1 to k-1 is not printed (primary), nor are as many others as are needed so that it cannot be worked out from
the sums (complementary).  Zeros are printed: that nobody is ill in a grid harms nobody.  Whoever reads the table knows
all of this; `bounds` is what they can still work out, and it must leave room around every hidden small number.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

K = 5
Cell = tuple[int, int]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Counts with their sums.  None: hidden.  A hidden sum is that of a line whose every number would give it away."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int | None, ...], ...]
    row_sums: tuple[int | None, ...]
    column_sums: tuple[int | None, ...]
    total: int | None


class Bulletin(msgspec.Struct, frozen=True, kw_only=True):
    """One day's figures."""

    day: date
    incidents: Table
    hidden: int


def count(pairs: Iterable[tuple[str, str]], rows: Sequence[str], columns: Sequence[str]) -> list[list[int]]:
    """How often each (row, column) occurs; pairs of other rows or columns are left out."""
    row_at = {name: at for at, name in enumerate(rows)}
    column_at = {name: at for at, name in enumerate(columns)}
    counts = [[0] * len(columns) for _ in rows]
    for row, column in pairs:
        if row in row_at and column in column_at:
            counts[row_at[row]][column_at[column]] += 1
    return counts


def bulletin(
    day: date, pairs: Iterable[tuple[str, str]], grids: Sequence[str], kinds: Sequence[str], *, k: int = K
) -> Bulletin:
    """The bulletin of `day` over (grid, kind) of each incident raised on it."""
    table = publish(count(pairs, grids, kinds), grids, kinds, k=k)
    hidden = sum(cell is None for line in table.cells for cell in line)
    return Bulletin(day=day, incidents=table, hidden=hidden)


def publish(counts: Sequence[Sequence[int]], rows: Sequence[str], columns: Sequence[str], *, k: int = K) -> Table:
    """The table as it may be printed."""
    # The sums are cells like any other, in one more row and one more column: they hide, and are hidden, the same way.
    full = [[*line, sum(line)] for line in counts]
    full.append([sum(column) for column in zip(*full, strict=True)] if full else [0] * (len(columns) + 1))
    hidden = {(r, c) for r, line in enumerate(full) for c, value in enumerate(line) if 0 < value < k}
    primary = frozenset(hidden)
    while True:
        exposed = _exposed(full, hidden, primary, k)
        if exposed is None:
            break
        more = _cover(full, hidden, exposed)
        if more is None:
            break
        hidden.add(more)
    shown = [[None if (r, c) in hidden else value for c, value in enumerate(line)] for r, line in enumerate(full)]
    return Table(
        rows=tuple(rows),
        columns=tuple(columns),
        cells=tuple(tuple(line[:-1]) for line in shown[:-1]),
        row_sums=tuple(line[-1] for line in shown[:-1]),
        column_sums=tuple(shown[-1][:-1]),
        total=shown[-1][-1],
    )


def bounds(full: Sequence[Sequence[int]], hidden: Iterable[Cell]) -> dict[Cell, tuple[int, int]]:
    """What a reader can work out of each hidden cell: the least and the most it may be.

    A reader knows that a hidden number is at least 1, and that each line adds up to its sum.  The bounds are narrowed
    line by line until nothing narrows any more: what a patient person with a pencil finds.
    """
    cells = set(hidden)
    most = max((value for line in full for value in line), default=0) * 4 + 100
    low = dict.fromkeys(cells, 1)
    high = dict.fromkeys(cells, most)
    lines = list(_lines(len(full), len(full[0]) if full else 0))
    changed = True
    while changed:
        changed = False
        for line in lines:
            unknown = [cell for cell in line if cell in cells]
            if not unknown:
                continue
            *parts, whole = line
            # Signed: the parts add up to the whole, so parts - whole = 0.
            sign = dict.fromkeys(parts, 1) | {whole: -1}
            known = sum(sign[cell] * full[cell[0]][cell[1]] for cell in line if cell not in cells)
            for cell in unknown:
                others = [other for other in unknown if other != cell]
                least = sum(low[o] if sign[o] > 0 else -high[o] for o in others)
                greatest = sum(high[o] if sign[o] > 0 else -low[o] for o in others)
                # sign * x = -(known + others)
                one, two = -(known + greatest), -(known + least)
                if sign[cell] < 0:
                    one, two = -two, -one
                if one > low[cell]:
                    low[cell], changed = one, True
                if two < high[cell]:
                    high[cell], changed = two, True
    return {cell: (low[cell], high[cell]) for cell in cells}


def _lines(rows: int, columns: int) -> Iterable[list[Cell]]:
    """Every line of the table with its sums, the sum last."""
    for r in range(rows):
        yield [(r, c) for c in range(columns)]
    for c in range(columns):
        yield [(r, c) for r in range(rows)]


def _exposed(full: Sequence[Sequence[int]], hidden: set[Cell], primary: frozenset[Cell], k: int) -> Cell | None:
    """A small number that a reader can work out too closely: not even that it may be k or more is left open."""
    found = bounds(full, hidden)
    exposed = [cell for cell in primary if found[cell][1] < k or found[cell][0] == found[cell][1]]
    return min(exposed, default=None)


def _cover(full: Sequence[Sequence[int]], hidden: set[Cell], exposed: Cell) -> Cell | None:
    """The next cell to hide: of the lines that meet in the exposed one and in what hides with it, the smallest number
    that is not hidden yet; sums last, for they are what a bulletin is read for."""
    last_row, last_column = len(full) - 1, len(full[0]) - 1
    near = {exposed}
    while True:
        reach = {cell for cell in hidden if any(cell[0] == n[0] or cell[1] == n[1] for n in near)} | near
        candidates = [
            (r, c)
            for r in range(last_row + 1)
            for c in range(last_column + 1)
            if (r, c) not in hidden and full[r][c] > 0 and any(r == n[0] or c == n[1] for n in reach)
        ]
        if candidates:
            return min(candidates, key=lambda cell: _cost(full, cell, last_row, last_column))
        if reach == near:
            return None
        near = reach


def _cost(full: Sequence[Sequence[int]], cell: Cell, last_row: int, last_column: int) -> tuple[int, int, Cell]:
    sums = (cell[0] == last_row) + (cell[1] == last_column)
    return sums, full[cell[0]][cell[1]], cell


def rates(counts: Mapping[str, int], households: Mapping[str, int], *, k: int = K) -> dict[str, float | None]:
    """Incidents a hundred households, by grid; None where the count is small or there are fewer than k households."""
    found: dict[str, float | None] = {}
    for grid, homes in households.items():
        number = counts.get(grid, 0)
        small = 0 < number < k or homes < k
        found[grid] = None if small else round(100 * number / homes, 1)
    return found
