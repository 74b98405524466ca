"""One process of a box, by its name: `python -m deploy.process gateway --config FILE`.

The same functions as `./threshold gateway` and so on, without the command line's own weight: four processes of them
run on a box that may be small.
"""

import importlib
import sys
from pathlib import Path

ENTRIES = {
    "gateway": "gateway.edge.runner:main",
    "streams": "streams.edge.runner:main",
    "sink": "streams.edge.sink:main",
    "desk": "duty.edge.runner:main",
}


def argv_of(name: str, config: Path) -> list[str]:
    """How to start the process."""
    return [sys.executable, "-m", "deploy.process", name, "--config", str(config)]


def main(arguments: list[str]) -> int:
    """Run the process until it is told to stop; its exit code."""
    if len(arguments) != 3 or arguments[0] not in ENTRIES or arguments[1] != "--config":
        print(f"usage: python -m deploy.process {'|'.join(ENTRIES)} --config FILE", file=sys.stderr)
        return 2
    module, function = ENTRIES[arguments[0]].split(":")
    return getattr(importlib.import_module(module), function)(config=Path(arguments[2])) or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
