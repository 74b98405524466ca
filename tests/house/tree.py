"""The project's files, as the tests of the house read them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("deploy", "devices", "duty", "gateway", "streams")
PURE_PACKAGES = ("devices", "duty", "gateway", "streams")


def files() -> list[Path]:
    """Every file that is in the repository or would come into it with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def modules(*packages: str) -> Iterator[Path]:
    """The Python files of these packages."""
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def is_edge(path: Path) -> bool:
    return "edge" in path.relative_to(ROOT).parts[:-1]


def pure_modules() -> list[Path]:
    return [path for path in modules(*PURE_PACKAGES) if not is_edge(path)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
