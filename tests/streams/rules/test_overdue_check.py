from streams.rules.overdue_check import KIND
from tests.streams.core import Core, ms


def assign(core: Core, check: str, due: str) -> None:
    core.command("check-assigned", check=check, grid="g017", due=ms(due), role="supervisor")


def test_worker_and_supervisor_at_once() -> None:
    core = Core()
    assign(core, "c1", "09:30")
    assert core.said() == []
    assert core.at("09:30").said() == [f"raised {KIND}", "page worker", "page supervisor"]


def test_returned_in_time() -> None:
    core = Core()
    assign(core, "c1", "09:30")
    core.at("09:29").command("check-returned", check="c1", role="worker")
    assert core.at("09:31").said() == []


def test_over_when_all_are_back() -> None:
    core = Core()
    assign(core, "c1", "09:30")
    assign(core, "c2", "09:40")
    core.at("09:41")
    core.effects.clear()
    core.command("check-returned", check="c1", role="worker")
    assert core.said() == []
    core.command("check-returned", check="c2", role="worker")
    assert core.said() == [f"cleared {KIND}", f"closed {KIND}"]


def test_an_unknown_check_or_grid_is_refused() -> None:
    core = Core()
    core.command("check-returned", check="c9", role="worker")
    core.command("check-assigned", check="c1", grid="g999", due=ms("09:00"), role="supervisor")
    assert core.said() == ["rejected unknown-subject", "rejected unknown-subject"]
