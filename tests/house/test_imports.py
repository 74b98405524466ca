"""Who may import whom: the layers of .importlinter, and two lists of what is allowed."""

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.house.tree import PACKAGES, ROOT

# All that streams shows to the gateway and to the desk.
PUBLISHED_BY_STREAMS = {
    "streams.commands",
    "streams.effects",
    "streams.frames",
    "streams.incident_story",
    "streams.measurements",
    "streams.review",
    "streams.trial",
    "streams.troubles",
    "streams.words",
    "streams.edge.case_lookup",
    "streams.edge.doorbell",
    "streams.edge.live_clock",
    "streams.edge.export",
    "streams.edge.incident_lookup",
    "streams.edge.kafka",
    "streams.edge.kafka_log",
    "streams.edge.kafka_rejects",
    "streams.edge.log",
    "streams.edge.series",
    "streams.edge.series_reader",
    "streams.edge.sqlite_log",
    "streams.edge.standing",
    "streams.edge.topics",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=280)


def test_the_layers_hold():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def small_project(folder: Path, modules: dict[str, str]) -> None:
    shutil.copy(ROOT / ".importlinter", folder)
    for package in PACKAGES:
        (folder / package / "edge").mkdir(parents=True)
        (folder / package / "__init__.py").touch()
        (folder / package / "edge" / "__init__.py").touch()
    for name, source in modules.items():
        (folder / name).write_text(source)


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("deploy", "gateway", True),
        ("duty", "streams", True),
        ("gateway", "devices", True),
        ("devices", "streams", False),
        ("streams", "gateway", False),
        ("streams", "duty", False),
        ("gateway", "duty", False),
        ("duty", "gateway", False),
        ("streams", "deploy", False),
    ],
)
def test_a_planted_import_against_the_layers_is_caught(tmp_path, importer, imported, allowed):
    small_project(tmp_path, {f"{imported}/there.py": "", f"{importer}/here.py": f"import {imported}.there"})
    assert (lint(tmp_path).returncode == 0) == allowed


def imports(folder: Path = ROOT) -> list[tuple[str, str]]:
    """(importer, imported) of every import between our own modules."""
    sys.path.insert(0, str(folder))
    try:
        graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    finally:
        sys.path.remove(str(folder))
    return [
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    ]


def unpublished(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (importer, imported)
        for importer, imported in edges
        if importer.split(".")[0] in {"duty", "gateway"}
        and imported.split(".")[0] == "streams"
        and imported not in PUBLISHED_BY_STREAMS
    ]


def back_to_an_edge(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Imports of an edge by what is no edge itself; deploy wires edges together and may."""
    return [
        (importer, imported)
        for importer, imported in edges
        if "edge" in imported.split(".") and "edge" not in importer.split(".") and importer.split(".")[0] != "deploy"
    ]


def test_gateway_and_desk_see_of_streams_only_what_it_publishes():
    assert unpublished(imports()) == []


def test_no_core_imports_an_edge():
    edges = imports()
    assert back_to_an_edge(edges) == []
    assert len(edges) > 50


def test_planted_imports_against_the_two_lists_are_caught():
    edges = [
        ("gateway.intake", "streams.frames"),
        ("gateway.edge.listener", "streams.rules.fever"),
        ("duty.board", "streams.edge.local"),
        ("streams.grid", "streams.edge.log"),
        ("streams.edge.local", "streams.grid"),
        ("deploy.onebox", "streams.edge.local"),
    ]
    assert unpublished(edges) == [edges[1], edges[2]]
    assert back_to_an_edge(edges) == [edges[2], edges[3]]
