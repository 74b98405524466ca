"""One process of a box, by its name: `python -m deploy.process gateway --config FILE [--worker N]`.

The same functions as `./threshold gateway` and so on, without the command line's own weight: four processes of them
run on a box that may be small.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

ENTRIES = {
    "gateway": "gateway.edge.runner:main",
    "streams": "streams.edge.runner:main",
    "sink": "streams.edge.sink:main",
    "desk": "duty.edge.runner:main",
}


def argv_of(name: str, config: Path, more: Sequence[str] = ()) -> list[str]:
    """How to start the process."""
    return [sys.executable, "-m", "deploy.process", name, "--config", str(config), *more]


def main(arguments: list[str]) -> int:
    """Run the process until it is told to stop; its exit code."""
    worker = _worker(arguments)
    if worker is None or arguments[0] not in ENTRIES or arguments[1] != "--config":
        print(f"usage: python -m deploy.process {'|'.join(ENTRIES)} --config FILE [--worker N]", file=sys.stderr)
        return 2
    module, function = ENTRIES[arguments[0]].split(":")
    run = getattr(importlib.import_module(module), function)
    # Of the workers of a machine each but the first says which one it is.
    return run(config=Path(arguments[2]), **({"worker": worker} if worker > 1 else {})) or 0


def _worker(arguments: list[str]) -> int | None:
    """1 where none is named; None where it is no number, or the arguments are none of ours."""
    match arguments:
        case [_, _, _]:
            return 1
        case ["streams", _, _, "--worker", number] if number.isascii() and number.isdigit() and int(number) > 0:
            return int(number)
        case _:
            return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
