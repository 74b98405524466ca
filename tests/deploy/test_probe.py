"""The probes, asked of real processes: ready, not ready, gone; and over TLS."""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import probe
from tests.house.tree import ROOT
from tests.servers import Authority, free_port
from tests.waiting import wait_until


class Site:
    """Settings of a box whose every process answers Prometheus, and its processes."""

    def __init__(self, folder: Path, *, tls: Authority | None = None) -> None:
        self.folder = folder
        self.config = folder / "threshold.toml"
        self.ports = {name: free_port() for name in ("door", "gateway", "sink", "desk", "screens")}
        pair = tls.issue("threshold") if tls else None
        with_tls = f'certificate = "{pair.certificate}"\nprivate_key = "{pair.key}"\n' if pair else ""
        client_ca = f'client_ca = "{tls.certificate}"\n' if tls else ""
        (folder / "fleet.toml").write_text("")
        self.config.write_text(
            f'[gateway]\nlisten = "127.0.0.1:{free_port()}"\nhttp = "127.0.0.1:{self.ports["door"]}"\n'
            f'[desk]\nlisten = "127.0.0.1:{self.ports["screens"]}"\n{with_tls}'
            f"[metrics]\n{with_tls}{client_ca}"
            + "".join(f'{name} = "127.0.0.1:{self.ports[name]}"\n' for name in ("gateway", "sink", "desk"))
        )
        self.running: list[subprocess.Popen[str]] = []

    def start(self, name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.process", name, "--config", str(self.config)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.running.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if f"{name} ready" in line:
                return process
        raise AssertionError(f"{name} did not start")

    def ask(self, name: str, *more: str) -> int:
        return probe.main([name, "--config", str(self.config), *more])

    def close(self) -> None:
        for process in self.running:
            process.kill()
            process.communicate()


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    monkeypatch.setattr(probe, "TIMEOUT_S", 60.0)  # a busy machine is no process that is away
    made: list[Site] = []

    def site(**options: Authority) -> Site:
        made.append(Site(tmp_path, **options))
        return made[-1]

    yield site
    for each in made:
        each.close()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "says"), [("gateway", "0 messages"), ("sink", "0 points"), ("desk", "picture is")])
def test_a_process_is_ready_until_it_is_gone(
    make: Callable[..., Site], name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make()
    assert site.ask(name) == site.ask(name, "--live") == 1
    assert "nothing answers at 127.0.0.1" in capsys.readouterr().err
    process = site.start(name)
    assert site.ask(name) == 0
    assert says in capsys.readouterr().out
    assert site.ask(name, "--live") == 0
    process.kill()
    process.wait()
    assert site.ask(name, "--live") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sink", "desk"])
def test_over_tls(make: Callable[..., Site], authority: Authority, name: str) -> None:
    site = make(tls=authority)
    site.start(name)
    assert site.ask(name) == 0


@pytest.mark.slow
def test_a_gateway_that_cannot_write_is_alive_and_not_ready(
    make: Callable[..., Site], capsys: pytest.CaptureFixture[str]
) -> None:
    site = make()
    site.start("gateway")
    assert site.ask("gateway") == 0
    # Another writer holds the file: what the gateway takes in cannot be made durable.
    holder = (
        "import apsw, sys, time; connection = apsw.Connection(sys.argv[1]); connection.execute('BEGIN IMMEDIATE'); "
        "print('held', flush=True); time.sleep(600)"
    )
    held = subprocess.Popen(
        [sys.executable, "-c", holder, str(site.folder / "data" / "inbox.db")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert held.stdout is not None
        assert held.stdout.readline() == "held\n"
        wait_until(lambda: _unwell(site))
        assert site.ask("gateway", "--live") == 0
        assert site.ask("gateway") == 1
        assert "not ready" in capsys.readouterr().err
    finally:
        held.kill()
        held.communicate()


def _unwell(site: Site) -> bool:
    """Say something that must be written, and see whether it was."""
    token = (site.folder / "data" / "door.token").read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", site.ports["door"], timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/reports", '{"part": "probe", "well": false, "detail": "held"}', headers)
    connection.getresponse().read()
    connection.request("GET", "/health")
    well = json.loads(connection.getresponse().read())["well"]
    connection.close()
    return not well


@pytest.mark.slow
def test_the_core_of_a_box_is_ready_once_it_gave_a_sign_of_life(make: Callable[..., Site]) -> None:
    site = make()
    assert site.ask("streams") == 1
    site.start("gateway")
    process = site.start("streams")
    wait_until(lambda: site.ask("streams") == 0)
    process.kill()


@pytest.mark.parametrize("arguments", [[], ["broker", "--config", "x"], ["gateway", "x", "--config"]])
def test_what_it_does_not_know_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main(arguments) == 2
    assert "usage: python -m deploy.probe gateway|streams|sink|desk" in capsys.readouterr().err


def test_settings_that_leave_nothing_to_ask_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "threshold.toml"
    config.write_text("")
    assert probe.main(["sink", "--config", str(config)]) == 2
    assert "set sink in [metrics]" in capsys.readouterr().err
    config.write_text('[streams]\nruntime = "cluster"\n[cluster]\nkafka = "127.0.0.1:1"\n')
    assert probe.main(["streams", "--config", str(config)]) == 2
    assert "set metrics in [cluster]" in capsys.readouterr().err
    assert probe.main(["sink", "--config", str(tmp_path / "none.toml")]) == 2
