"""`./threshold migrate`: the door to `moving_house.py`, which needs what is installed only where there is a cluster."""

import sys
from importlib import import_module
from pathlib import Path

from deploy.environment import Incomplete, ensure


def main(config: Path, to: Path) -> int:
    """Move the box or the cluster of `config` to the cluster of `to`; the exit code."""
    try:
        ensure("cluster")
    except Incomplete as lacking:
        print(f"migrate: {lacking}", file=sys.stderr)
        return 1
    return import_module("deploy.moving_house").main(config, to)
