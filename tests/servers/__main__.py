"""`python -m tests.servers [--usual-ports] [mosquitto] [kafka] [influxd] [postgresql]`: start servers to try things by
hand.

Prints what a configuration needs of each, a line each, and runs until Ctrl-C; then all are stopped and removed.  With
--usual-ports each is where it usually is, as deploy/cluster.example.toml expects them.
"""

import argparse
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests import servers

KINDS: dict[str, Callable[[Path, int | None], servers.Server]] = {
    "mosquitto": lambda folder, port: servers.Mosquitto(folder / "mosquitto", port=port),
    "kafka": lambda folder, port: servers.Kafka(folder / "kafka", port=port),
    "influxd": lambda folder, port: servers.Influxd(folder / "influxd", port=port),
    "postgresql": lambda _folder, port: servers.Postgresql(port=port),
}
USUAL_PORTS = {"mosquitto": 1883, "kafka": 9092, "influxd": 8086, "postgresql": 5432}


def described(server: servers.Server) -> str:
    match server:
        case servers.Influxd():
            needed = f"url={server.url} org={server.org} bucket={server.bucket} token={server.token}"
        case servers.Mosquitto() | servers.Kafka() | servers.Postgresql():
            needed = f"url={server.url}"
        case _:
            needed = f"port={server.port}"
    return f"{server.name}: {needed} pid={server.pid}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="|".join(KINDS))
    parser.add_argument("--usual-ports", action="store_true")
    asked = parser.parse_args()
    kinds = asked.kinds or list(KINDS)
    started: list[servers.Server] = []
    # Both ways of being asked to end go through the same `finally`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="threshold-servers-") as folder:
        try:
            for kind in kinds:
                started.append(KINDS[kind](Path(folder), USUAL_PORTS[kind] if asked.usual_ports else None))
                started[-1].start()
                if isinstance(started[-1], servers.Postgresql):
                    started[-1].make_database("threshold")
                print(described(started[-1]), flush=True)
            signal.pause()
        except servers.Missing as missing:
            print(f"{missing}; ./threshold test --live installs it", flush=True)
        except KeyboardInterrupt:
            pass
        finally:
            for server in reversed(started):
                server.remove()


if __name__ == "__main__":
    main()
