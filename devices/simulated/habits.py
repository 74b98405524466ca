"""What people do at their doors, as rows: how often a day, in which hours, declared or not, how long it stands open."""

import msgspec


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """One row.  `hours` are of the day, from inclusive, to exclusive; `open_s` and `times` are from … to."""

    name: str
    a_day: float
    hours: tuple[int, int]
    open_s: tuple[float, float] = (6, 40)
    times: tuple[int, int] = (1, 1)  # openings in one go
    apart_s: tuple[float, float] = (30, 120)  # between them
    declared: bool = False  # usually announced beforehand
    minutes: int = 5  # for how long it is announced
    said: str = ""  # how it is announced: people of this compound write Chinese


# Of a household in isolation.
ISOLATED = (
    Habit(name="rubbish", a_day=1.0, hours=(18, 22), declared=True, said="倒垃圾"),
    Habit(name="parcel", a_day=0.7, hours=(10, 19), declared=True, open_s=(5, 60), said="取快递"),
    Habit(name="meal", a_day=0.6, hours=(11, 14), declared=True, open_s=(5, 20), minutes=3, said="取餐"),
    Habit(name="a breath of air", a_day=0.08, hours=(7, 23), open_s=(20, 240)),
)
# Of a household without a case, whose sensor only reports.
ORDINARY = (
    Habit(name="errand", a_day=2.0, hours=(7, 22), times=(2, 2), apart_s=(600, 5400), open_s=(4, 15)),
    Habit(name="school and work", a_day=1.0, hours=(7, 9), times=(1, 3), apart_s=(60, 900), open_s=(4, 12)),
)
CHILD = Habit(name="a child plays", a_day=3.0, hours=(9, 21), times=(3, 8), apart_s=(4, 20), open_s=(1, 6))
RESTLESS = Habit(name="leaves again", a_day=2.5, hours=(8, 23), times=(2, 5), apart_s=(240, 900), open_s=(5, 20))
CARELESS = Habit(name="leaves it open", a_day=1.2, hours=(8, 22), open_s=(360, 2400))

# The team's round: the visit of the morning and of the afternoon, which opens the door too.
MORNING, AFTERNOON = (8, 12), (14, 18)
CALL = (9, 10)
