"""The endpoint of Prometheus: off unless named, over TLS where it is to be, a taken port said with its line."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.core import GaugeMetricFamily, Metric

from devices.edge.complaints import Complaint
from devices.edge.metrics_server import serve
from devices.edge.settings import Settings, load
from tests.servers import Authority, free_port


class One:
    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("threshold_test", "One.", 1)


def settings(folder: Path, text: str) -> Settings:
    (folder / "threshold.toml").write_text(text)
    return load(folder / "threshold.toml")


def read(url: str, context: ssl.SSLContext | None = None) -> str:
    with urllib.request.urlopen(url, timeout=60, context=context) as answer:
        return answer.read().decode()


def test_it_is_off_unless_an_address_is_named(tmp_path: Path) -> None:
    served = serve(settings(tmp_path, ""), One(), "metrics", "sink")
    assert served.port == 0
    served.close()


def test_it_answers_where_it_is_told_and_no_longer_once_closed(tmp_path: Path) -> None:
    port = free_port()
    served = serve(settings(tmp_path, f'[metrics]\nsink = "127.0.0.1:{port}"\n'), One(), "metrics", "sink")
    assert served.port == port
    assert "threshold_test 1.0" in read(f"http://127.0.0.1:{port}/metrics")
    served.close()
    served.close()
    with pytest.raises(urllib.error.URLError):
        read(f"http://127.0.0.1:{port}/metrics")


def test_a_taken_port_is_said_with_its_line(tmp_path: Path) -> None:
    port = free_port()
    text = f'[metrics]\nsink = "127.0.0.1:{port}"\n'
    served = serve(settings(tmp_path, text), One(), "metrics", "sink")
    with pytest.raises(Complaint, match=r"threshold.toml:2: .*cannot be listened on.*choose another"):
        serve(settings(tmp_path, text), One(), "metrics", "sink")
    served.close()


def test_with_an_authority_only_who_shows_a_certificate_of_it_is_answered(tmp_path: Path, authority: Authority) -> None:
    ours, scraper, port = authority.issue("sink"), authority.issue("prometheus"), free_port()
    served = serve(
        settings(
            tmp_path,
            f'[metrics]\nsink = "127.0.0.1:{port}"\ncertificate = "{ours.certificate}"\nprivate_key = "{ours.key}"\n'
            f'client_ca = "{authority.certificate}"\n',
        ),
        One(),
        "metrics",
        "sink",
    )
    url = f"https://127.0.0.1:{port}/metrics"
    known = ssl.create_default_context(cafile=str(authority.certificate))
    with pytest.raises(OSError):
        read(url, known)
    known.load_cert_chain(scraper.certificate, scraper.key)
    assert "threshold_test 1.0" in read(url, known)
    served.close()
