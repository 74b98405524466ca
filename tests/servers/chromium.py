"""Where the machine's Chromium is, and how the tests start it: with nothing that calls home."""

from dataclasses import dataclass
from pathlib import Path

from tests.servers.finding import need

# --no-sandbox: the tests often run as root, where Chromium's own sandbox cannot start. Only our own pages are loaded.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass(frozen=True)
class Chromium:
    """What `playwright.chromium.launch` takes: `launch(executable_path=c.program, args=list(c.arguments))`."""

    program: Path
    arguments: tuple[str, ...] = ARGUMENTS

    @classmethod
    def found(cls) -> "Chromium":
        return cls(need("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"))
