import pytest

from streams.rules.home_fever import KIND
from tests.streams.core import HOME, Core


@pytest.mark.parametrize(
    ("celsius", "site", "raised"),
    [(37.3, "axilla", True), (37.2, "axilla", False), (37.3, "", True), (37.4, "ear", False), (36.9, "forehead", True)],
)
def test_the_limit_of_the_site(celsius: float, site: str, raised: bool) -> None:
    core = Core()
    core.command("home-temperature", household=HOME, celsius=celsius, site=site, by="resident")
    assert (f"raised {KIND}" in core.said()) is raised


def test_doctor_and_worker_then_police() -> None:
    core = Core()
    core.command("symptoms", household=HOME, symptoms=["cough"], by="resident")
    assert core.said() == [f"raised {KIND}", "page doctor", "page worker"]
    core.at("08:01").acknowledges(KIND, "worker")
    core.effects.clear()
    assert core.at("08:15").said() == ["page police"]


def test_no_symptoms_are_none() -> None:
    core = Core()
    core.command("symptoms", household=HOME, symptoms=[], by="resident")
    assert core.said() == []


def test_a_thermometer_of_the_household() -> None:
    core = Core()
    core.event("door", "temperature", celsius=37.5, site="axilla")
    assert core.said()[0] == f"raised {KIND}"


def test_an_implausible_one_is_refused() -> None:
    core = Core()
    core.command("home-temperature", household=HOME, celsius=34.9, site="axilla", by="resident")
    assert core.said() == ["rejected implausible"]


def test_a_household_without_a_case_may_be_ill() -> None:
    core = Core(case=False)
    core.command("symptoms", household=HOME, symptoms=["cough"], by="resident")
    assert f"raised {KIND}" in core.said()
