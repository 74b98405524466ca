from datetime import date
from random import Random

import pytest

from duty.bulletin import K, bounds, bulletin, count, publish, rates


def lines_of(counts: list[list[int]]) -> list[list[int]]:
    full = [[*line, sum(line)] for line in counts]
    return [*full, [sum(column) for column in zip(*full, strict=True)]]


def hidden_of(counts: list[list[int]]) -> tuple[list[list[int]], set[tuple[int, int]]]:
    names = [str(n) for n in range(20)]
    table = publish(counts, names[: len(counts)], names[: len(counts[0])])
    shown = [[*line, total] for line, total in zip(table.cells, table.row_sums, strict=True)]
    shown.append([*table.column_sums, table.total])
    full = lines_of(counts)
    for r, line in enumerate(shown):
        for c, value in enumerate(line):
            assert value is None or value == full[r][c], "what is printed is true"
    return full, {(r, c) for r, line in enumerate(shown) for c, value in enumerate(line) if value is None}


def test_a_table_of_large_numbers_and_zeros_is_printed_whole() -> None:
    assert hidden_of([[10, 0, 7], [5, 90, 0]])[1] == set()


def test_a_small_number_is_hidden_and_cannot_be_taken_from_the_sums() -> None:
    full, hidden = hidden_of([[10, 3, 20], [12, 30, 9]])
    assert (0, 1) in hidden
    assert len(hidden) >= 4
    low, high = bounds(full, hidden)[0, 1]
    assert low < 3 < high
    assert high >= K


def test_the_whole_is_kept_rather_than_the_parts_hidden() -> None:
    counts = [[10, 3, 20], [12, 30, 9], [40, 50, 60]]
    table = publish(counts, ["a", "b", "c"], ["x", "y", "z"])
    assert table.total == sum(sum(line) for line in counts)


@pytest.mark.parametrize("counts", [[[1]], [[0, 1]], [[1, 1], [1, 1]], [[4, 0], [0, 0]], [[1, 0], [0, 100]]])
def test_a_table_so_small_that_its_sums_tell_hides_them_too(counts: list[list[int]]) -> None:
    full, hidden = hidden_of(counts)
    for cell in hidden:
        low, high = bounds(full, hidden)[cell]
        assert low != high or full[cell[0]][cell[1]] >= K


def test_no_small_number_of_a_thousand_random_tables_can_be_worked_out() -> None:
    chance = Random(7)
    for _ in range(1000):
        rows, columns = chance.randint(2, 5), chance.randint(2, 5)
        counts = [[chance.choice((0, 0, 1, 2, 3, 6, 9, 20, 55)) for _ in range(columns)] for _ in range(rows)]
        full, hidden = hidden_of(counts)
        found = bounds(full, hidden)
        for r, line in enumerate(full):
            for c, value in enumerate(line):
                if 0 < value < K:
                    low, high = found[r, c]
                    assert low < high, counts
                    assert high >= K, counts


def test_without_the_complementary_ones_the_attack_succeeds() -> None:
    """The measure itself is measured: a table with only the small number hidden gives it away."""
    full = lines_of([[10, 3], [12, 30]])
    assert bounds(full, {(0, 1)})[0, 1] == (3, 3)


def test_a_day_is_counted_by_grid_and_kind() -> None:
    pairs = [("g017", "fever")] * 6 + [("g018", "tamper")] * 7 + [("g999", "fever"), ("g017", "odd")]
    assert count(pairs, ["g017", "g018"], ["fever", "tamper"]) == [[6, 0], [0, 7]]
    made = bulletin(date(2020, 2, 16), pairs, ["g017", "g018"], ["fever", "tamper"])
    assert made.hidden == 0
    assert made.incidents.cells == ((6, 0), (0, 7))
    assert made.incidents.total == 13


def test_a_day_with_nothing() -> None:
    made = bulletin(date(2020, 2, 16), [], [], ["fever"])
    assert made.incidents.cells == ()
    assert made.incidents.total == 0


def test_rates_hide_small_numbers_and_small_grids() -> None:
    assert rates({"a": 10, "b": 3, "c": 9}, {"a": 200, "b": 200, "c": 4, "d": 50}) == {
        "a": 5.0,
        "b": None,
        "c": None,
        "d": 0.0,
    }
