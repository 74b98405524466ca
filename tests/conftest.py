"""The fixtures that give a test a real server, and the one way a test may be left out: a server this machine lacks.

A test that asks for a server is marked `live` (or `browser`) by itself. Where the server is missing (`servers.Missing`
was raised, here or in the test) the test is left out as "needs <name>" and named at the end; under --live, where
everything was to be installed, that is a failure.
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import servers

LIVE_FIXTURES = {"mosquitto", "mosquitto_fast", "make_mosquitto", "kafka", "influxd", "postgresql"}
BROWSER_FIXTURES = {"chromium", "browser"}
LEFT_OUT: dict[str, list[str]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--live", action="store_true", help="every server is to be here: a test left out is a failure")


def pytest_configure(config: pytest.Config) -> None:
    LEFT_OUT.clear()
    # The machine may be busy with others: how long an example took, or its making, says nothing of it.
    # With every server the suite is a gate, which judges one state alike each time; without, it looks for new examples.
    settings.register_profile(
        "threshold",
        deadline=None,
        derandomize=bool(config.getoption("--live")),
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("threshold")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a server, and put it last, in one group: one worker then runs it, one test at a time."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if asked & LIVE_FIXTURES:
            item.add_marker("live")
        if asked & BROWSER_FIXTURES:
            item.add_marker("browser")
        if _is_live(item):
            item.add_marker(pytest.mark.xdist_group("live"))
    items.sort(key=_is_live)


def _is_live(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("live", "browser", "bench"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, servers.Missing):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"Skipped: {call.excinfo.value}")
    if report.skipped and item.config.getoption("--live") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"left out under --live: {_reason(report)}"
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        # xdist adds the group to the name of a grouped test.
        LEFT_OUT.setdefault(_reason(report), []).append(report.nodeid.removesuffix("@live"))


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if LEFT_OUT:
        terminalreporter.section("left out on this machine (./threshold test --live installs what they need)")
        for reason, tests in sorted(LEFT_OUT.items()):
            terminalreporter.write_line(f"{reason}:")
            for test in sorted(tests):
                terminalreporter.write_line(f"  {test}")


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., servers.Mosquitto]]:
    """`make_mosquitto(settings="durable", passwords={"u": "p"}, authority=…)`: a running one, stopped afterwards."""
    made: list[servers.Mosquitto] = []

    def make(**settings: Any) -> servers.Mosquitto:
        made.append(servers.Mosquitto(tmp_path / f"mosquitto-{len(made)}", **settings))
        made[-1].start()
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., servers.Mosquitto]) -> servers.Mosquitto:
    """A broker of this test's own that keeps what it acknowledged over kill -9."""
    return make_mosquitto(settings="durable")


@pytest.fixture
def mosquitto_fast(make_mosquitto: Callable[..., servers.Mosquitto]) -> servers.Mosquitto:
    """A broker of this test's own that keeps everything in memory."""
    return make_mosquitto(settings="fast")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Kafka]:
    """One Kafka for all tests: name topics and groups after the test. One that restarts it leaves it running."""
    server = servers.Kafka(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Influxd]:
    """One InfluxDB for all tests: `influxd.make_bucket(name)` gives a test its own bucket."""
    server = servers.Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[servers.Postgresql]:
    """One PostgreSQL for all tests: `postgresql.make_database(name)` gives a test its own database."""
    server = servers.Postgresql()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> servers.Authority:
    """A certificate authority for TLS tests."""
    return servers.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def chromium() -> servers.Chromium:
    return servers.Chromium.found()


@pytest.fixture(scope="module")
def browser(chromium: servers.Chromium) -> Iterator[Any]:
    """Playwright's Browser. For one module only: while it runs, asyncio cannot be used in this thread."""
    sync_api = importlib.import_module("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium.program, args=list(chromium.arguments), timeout=100_000
        )
        yield running
        running.close()
