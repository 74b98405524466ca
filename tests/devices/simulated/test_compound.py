"""Who lives in a simulated compound."""

from hashlib import sha256

import pytest

from devices.places import building_of
from devices.simulated.compound import Compound, Plan


@pytest.fixture(scope="module")
def compound():
    return Compound(Plan(households=3000, seed=7))


def test_every_household_is_there_once_in_grids_of_300_to_500(compound):
    places = [home.place for home in compound.homes()]
    assert len(places) == len(set(places)) == 3000
    assert all(300 <= len(grid.homes) <= 500 for grid in compound.grids[:-1])


def test_the_share_in_isolation_is_about_what_was_asked():
    compound = Compound(Plan(households=2000, isolated_share=0.1))
    assert 140 < len(compound.fleet().cases) < 260


def test_the_fleet_names_every_sensor_and_gun_once_each_on_its_own_topic(compound):
    fleet = compound.fleet()
    assert len(fleet.devices) == 3000 + sum(len(grid.guns) for grid in compound.grids)
    assert len({device.topic for device in fleet.devices.values()}) == len(fleet.devices)
    assert {device.format for device in fleet.devices.values()} == {"native", "zigbee2mqtt", "shelly-gen1", "tasmota"}


def test_no_gate_is_named_like_a_building(compound):
    buildings = {building_of(home.place) for home in compound.homes()}
    assert not buildings & {gun.checkpoint for grid in compound.grids for gun in grid.guns}


def test_a_zigbee_sensor_hangs_on_the_bridge_of_its_grid(compound):
    fleet = compound.fleet()
    home = next(home for home in compound.homes() if home.behind)
    assert fleet.bridge_of(fleet.devices[home.id]) == f"z2m-{home.behind.name}"


def test_a_secret_is_kept_hashed_in_the_fleet(compound):
    device = next(iter(compound.fleet().devices.values()))
    assert device.secret_sha256 == sha256(compound.secret(device.id).encode()).hexdigest()


def test_a_faster_life_reports_as_much_more_often():
    slow, fast = (Compound(Plan(households=50, pace=pace)) for pace in (1.0, 60.0))
    assert [h.every_s / 60 for h in slow.homes()] == [h.every_s for h in fast.homes()]


@pytest.mark.parametrize("households", [1, 2, 399, 401, 801])
def test_a_compound_of_any_size(households):
    compound = Compound(Plan(households=households))
    assert sum(1 for _ in compound.homes()) == households
    assert len(compound.fleet().bridges) <= len(compound.grids)
