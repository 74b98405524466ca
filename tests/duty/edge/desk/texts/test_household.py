from duty.edge.desk.cells import STATES
from duty.edge.desk.routes.household import SITES
from duty.edge.desk.texts.household import ROWS
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_the_same() -> None:
    check("household")


def test_every_state_of_a_cell_and_every_site_has_a_name() -> None:
    for name in (*(f"state_{state}" for state in STATES), *(f"site_{site}" for site in SITES)):
        assert name in ROWS
