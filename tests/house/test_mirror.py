"""Every module has a test module of its own at the same place under tests/, or stands in this table with the one that
tries it as part of a whole."""

from tests.house.tree import PACKAGES, ROOT, modules, name_of

# What only means something as part of a whole is tried there.  The longest matching prefix counts.
ELSEWHERE = {
    "duty/edge/desk/": "tests/browser/test_screens.py",
    "duty/edge/desk/routes/": "tests/duty/edge/desk/test_rights.py",
    "duty/edge/desk/texts/": "tests/duty/edge/desk/test_texts.py",
    "gateway/edge/box.py": "tests/gateway/edge/test_runner.py",
    "gateway/edge/cluster.py": "tests/live/test_cluster_gateway.py",
    "gateway/edge/kafka_outbox.py": "tests/live/test_cluster_gateway.py",
    "gateway/edge/keeping.py": "tests/gateway/edge/test_inbox.py",
    "gateway/edge/shared.py": "tests/live/test_cluster_gateway.py",
    "gateway/edge/teller.py": "tests/live/test_cluster_gateway.py",
    "streams/edge/log.py": "tests/contracts/test_log.py",
    "streams/edge/inside_faust.py": "tests/live/test_chaos.py",
    "streams/edge/kafka": "tests/live/test_cluster.py",
    "streams/edge/cluster_": "tests/live/test_cluster.py",
    "streams/edge/cluster_reporter.py": "tests/live/test_reports_left.py",
    "streams/edge/cluster_standing.py": "tests/live/test_reports_left.py",
    "streams/edge/faust_": "tests/live/test_cluster.py",
    "streams/edge/asker.py": "tests/live/test_cluster.py",
    "deploy/moving_": "tests/live/test_moving_house.py",
    "deploy/moving_old_cluster.py": "tests/live/test_adding_partitions.py",
    "streams/edge/move.py": "tests/live/test_moving_house.py",
    "streams/edge/cluster_metrics.py": "tests/live/test_progress_watch.py",
    "streams/edge/cluster_part.py": "tests/streams/edge/test_cluster_part.py",
    "streams/edge/progress_watch.py": "tests/live/test_progress_watch.py",
    "streams/edge/restoring.py": "tests/live/test_restoring.py",
    "streams/edge/state_": "tests/live/test_restoring.py",
    "streams/edge/topics.py": "tests/live/test_cluster.py",
}


def place_of_test(name: str) -> str:
    """gateway/mqtt/packets.py → tests/gateway/mqtt/test_packets.py"""
    folder, _, file = name.rpartition("/")
    return f"tests/{folder}/test_{file}"


def elsewhere(name: str) -> str | None:
    """The test that tries `name` as part of a whole, if the table names one."""
    prefix = max((p for p in ELSEWHERE if name.startswith(p)), key=len, default=None)
    return None if prefix is None else ELSEWHERE[prefix]


def test_every_module_has_a_test_module():
    names = [name_of(path) for path in modules(*PACKAGES) if path.name != "__init__.py"]
    missing = [name for name in names if elsewhere(name) is None and not (ROOT / place_of_test(name)).is_file()]
    assert not missing, "without a test module: " + " ".join(missing)


def test_the_table_names_tests_that_are_there_and_modules_that_need_them():
    names = [name_of(path) for path in modules(*PACKAGES)]
    for prefix, test in ELSEWHERE.items():
        assert (ROOT / test).is_file(), test
        assert any(name.startswith(prefix) for name in names), prefix


def test_the_place_of_a_test():
    assert place_of_test("gateway/mqtt/packets.py") == "tests/gateway/mqtt/test_packets.py"
    assert place_of_test("deploy/cli.py") == "tests/deploy/test_cli.py"
    assert elsewhere("duty/edge/desk/routes/board.py") == "tests/duty/edge/desk/test_rights.py"
