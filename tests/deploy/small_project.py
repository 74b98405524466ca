"""A project of three files with the real launcher, whose lock names one hand-made wheel: installs without a network."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLI = """\
import os, sys
import doorbell
print("doorbell", doorbell.VERSION)
print("directory", os.getcwd())
print("arguments", sys.argv[1:])
"""


class SmallProject:
    """`start(...)` runs ./threshold; `lock(version)` writes the lock for a version of the package `doorbell`."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.wheels = folder / "wheels"
        self.wheels.mkdir(parents=True)
        (self.root / "deploy").mkdir(parents=True)
        (self.root / "requirements").mkdir()
        for name in ("threshold", "deploy/environment.py"):
            shutil.copy(ROOT / name, self.root / name)
        (self.root / "deploy" / "__init__.py").touch()
        (self.root / "deploy" / "cli.py").write_text(CLI)
        self.lock("1.0")

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def lock(self, version: str, *, wrong_hash: bool = False) -> None:
        wheel = self.wheel("doorbell", version, f"VERSION = '{version}'\n")
        digest = "0" * 64 if wrong_hash else hashlib.sha256(wheel.read_bytes()).hexdigest()
        for layer in ("run", "cluster", "test"):
            (self.root / "requirements" / f"{layer}.txt").write_text(
                f"# layer {layer}\ndoorbell=={version} \\\n    --hash=sha256:{digest}\n"
            )

    def wheel(self, name: str, version: str, source: str) -> Path:
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        contents = {
            f"{name}.py": source,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{file},sha256={_digest(text)},{len(text)}\n" for file, text in contents.items())
        with zipfile.ZipFile(path, "w") as archive:
            for file, text in (contents | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
                # One date for all, so that the same version is always the same bytes.
                archive.writestr(zipfile.ZipInfo(file, (2020, 2, 16, 0, 0, 0)), text)
        return path

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "THRESHOLD"))
        }
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        return kept | pip | {"THRESHOLD_PYTHON": sys.executable} | changes

    def start(self, *arguments: str, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "threshold"), *arguments],
            cwd=cwd or self.root,
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def program(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
