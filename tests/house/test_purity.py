"""Whatever is not under edge/ is pure."""

import pytest

from tests.house.purity import complaints
from tests.house.tree import name_of, pure_modules


def test_no_module_outside_edge_touches_the_world():
    found = {name_of(path): complaints(path.read_text()) for path in pure_modules()}
    assert not any(found.values()), "\n".join(f"{name}, {line}" for name, lines in found.items() for line in lines)
    assert len(found) > 20


@pytest.mark.parametrize(
    "planted",
    [
        "import socket",
        "import time",
        "import os.path",
        "import random\nrandom.shuffle([1, 2])",
        "import random as r",
        "import random\nr = random.Random()",
        "import logging",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\nAESGCM.generate_key(256)",
        "from cryptography.hazmat.primitives import serialization",
        "import urllib.request",
        "import io\nio.open('x')",
        "from random import random",
        "from random import SystemRandom",
        "from pathlib import Path",
        "from time import monotonic",
        "from asyncio import sleep",
        "from threading import Lock",
        "from contextlib import contextmanager, suppress",
        "from io import open",
        "import apsw",
        "import paho.mqtt.client",
        "from fastapi import FastAPI",
        "import faust",
        "from sqlalchemy import select",
        "import streams.edge.log",
        "from gateway import edge",
        "from gateway.edge import listener",
        "from . import sibling",
        "def f():\n    import subprocess",
        "def f():\n    open('x')",
        "print('x')",
        "from random import Random\nr = Random()",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as dt\ndt.datetime.now(dt.UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "from datetime import date\ndate.today()",
        "async def f(): ...",
        "exec('x')",
    ],
)
def test_a_planted_impurity_is_caught(planted):
    assert complaints(planted) != []


@pytest.mark.parametrize(
    "clean",
    [
        "from datetime import datetime, timedelta\ndatetime(2020, 2, 16) + timedelta(days=1)",
        "from random import Random\ndef f(seed):\n    return Random(seed).random()",
        "import msgspec\nclass Event(msgspec.Struct, frozen=True): ...",
        "from io import StringIO",
        "import io\nio.StringIO()",
        "import random\ndef f(seed):\n    return random.Random(seed)",
        "import urllib.parse",
        "from devices.ids import DeviceId\nfrom streams import frames",
        "def f(roster):\n    return roster.today()",
    ],
)
def test_what_is_pure_is_let_through(clean):
    assert complaints(clean) == []
