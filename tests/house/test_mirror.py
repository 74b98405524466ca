"""Every module has a test module of its own, at the same place under tests/."""

from tests.house.tree import PACKAGES, ROOT, modules, name_of


def place_of_test(name: str) -> str:
    """gateway/mqtt/packets.py → tests/gateway/mqtt/test_packets.py"""
    folder, _, file = name.rpartition("/")
    return f"tests/{folder}/test_{file}"


def test_every_module_has_a_test_module():
    names = [name_of(path) for path in modules(*PACKAGES) if path.name != "__init__.py"]
    missing = [name for name in names if not (ROOT / place_of_test(name)).is_file()]
    assert not missing, "without a test module: " + " ".join(missing)


def test_the_place_of_a_test():
    assert place_of_test("gateway/mqtt/packets.py") == "tests/gateway/mqtt/test_packets.py"
    assert place_of_test("deploy/cli.py") == "tests/deploy/test_cli.py"
