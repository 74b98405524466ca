"""Real servers for the tests: each a small class with start(), kill(), stop(), restart(), on a port of its own.

Nothing is mocked and nothing shared with the machine: a server is found (`find`), started as a child process, and
stopped by its process id. The fixtures are in tests/conftest.py; `python -m tests.servers` starts servers to try things
by hand.
"""

from tests.servers.certificates import Authority, KeyPair
from tests.servers.chromium import Chromium
from tests.servers.finding import Missing, cache, find
from tests.servers.influxd import Influxd
from tests.servers.kafka import Kafka
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgresql import Postgresql
from tests.servers.process import Server, ServerFailed, free_port

__all__ = [
    "Authority",
    "Chromium",
    "Influxd",
    "Kafka",
    "KeyPair",
    "Missing",
    "Mosquitto",
    "Postgresql",
    "Server",
    "ServerFailed",
    "cache",
    "find",
    "free_port",
]
