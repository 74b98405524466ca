from deploy.format_guides import GUIDES
from devices.formats import table


def test_every_format_has_its_guide():
    assert set(GUIDES) == set(table())


def test_a_guide_says_how_to_connect_and_the_way_of_the_data():
    for name, guide in GUIDES.items():
        assert guide.steps, name
        assert guide.way, name
        assert all(len(step) < 120 for step in (*guide.steps, *guide.limits)), name


def test_where_the_wiring_decides_the_guide_says_so():
    for name, form in table().items():
        if form.profile.needs_open_is:
            assert any("open_is" in step for step in GUIDES[name].steps), name
        if form.profile.needs_address:
            assert any("address" in step for step in GUIDES[name].steps), name
