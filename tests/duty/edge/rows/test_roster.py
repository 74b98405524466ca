from datetime import date

from duty.edge.store import Store
from duty.roster import Holiday, Roster
from tests.duty.rosters import shift, swap


def test_the_plan_comes_back_as_it_was_kept(store: Store) -> None:
    night = shift("wang", "20:00-08:00", grids="g017 g018", days=(0, 6), order=2, holidays="not")
    shifts = [night, shift("li", "08:00-20:00")]
    for one in shifts:
        store.save_shift(one)
    away = swap("wang", "", "2020-02-16 20:00", "2020-02-17 08:00", grids="g017", role="worker", name="a")
    store.save_swap(away)
    store.save_holiday(Holiday(day=date(2020, 1, 24), name="除夕"))
    assert store.roster() == Roster(
        shifts=tuple(sorted(shifts, key=lambda s: s.id)),
        swaps=(away,),
        holidays=(Holiday(day=date(2020, 1, 24), name="除夕"),),
    )
    store.delete_shift(shifts[0].id)
    store.delete_swap("a")
    store.delete_holiday(date(2020, 1, 24))
    assert store.roster() == Roster(shifts=(shifts[1],))


def test_a_swap_saved_again_is_the_newest(store: Store) -> None:
    first = swap("wang", "li", "2020-02-16 08:00", "2020-02-16 20:00", name="z")
    second = swap("wang", "zhao", "2020-02-16 08:00", "2020-02-16 20:00", name="a")
    store.save_swap(first)
    store.save_swap(second)
    assert [s.instead for s in store.roster().swaps] == ["li", "zhao"]
    store.save_swap(first)
    assert [s.instead for s in store.roster().swaps] == ["zhao", "li"]


def test_an_import_takes_the_place_of_every_shift(store: Store) -> None:
    store.save_shift(shift("wang", "08:00-20:00"))
    store.replace_shifts([shift("li", "08:00-20:00"), shift("zhao", "20:00-08:00")])
    assert [s.person for s in store.roster().shifts] == ["li", "zhao"]
    store.replace_shifts([])
    assert store.roster() == Roster()
