from datetime import date

from duty.edge.demo_people import PASSWORD, case_row, contacts_of, demo_people

GRIDS = ["g001", "g002", "g003"]


def test_every_grid_has_its_team_around_the_clock() -> None:
    made = demo_people(GRIDS, date(2020, 2, 16))
    for role in ("worker", "police", "doctor"):
        for grid in GRIDS:
            hours = {(s.starts_min, s.ends_min) for s in made.roster.shifts if s.role == role and grid in s.grids}
            assert hours >= {(480, 1200), (1200, 480)}, (role, grid)


def test_logins_are_apart_and_those_above_have_a_second_factor() -> None:
    made = demo_people(GRIDS, date(2020, 2, 16))
    assert len({row.login for row in made.logins}) == len(made.logins)
    for row in made.logins:
        assert row.password == PASSWORD
        assert bool(row.totp_secret) is (row.role in ("supervisor", "admin", "auditor"))


def test_contacts_are_numbers_given_to_nobody() -> None:
    contact = contacts_of("g001/3/1203", 7)[0]
    assert contact.phone.startswith("1990000")
    assert case_row("g001/3/1203", 1, 2).grid == "g001"
