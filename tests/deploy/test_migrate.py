"""The door to moving house; what is behind it is tried on a real Kafka in tests/live/test_moving_house.py."""

import importlib

import pytest

from deploy import migrate
from deploy.environment import Incomplete


def test_it_hands_over_once_the_clusters_parts_are_there(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(migrate, "ensure", asked.append)
    monkeypatch.setattr(migrate, "import_module", importlib.import_module)
    monkeypatch.setattr("deploy.moving_house.main", lambda config, to: (config, to))
    assert migrate.main(tmp_path / "box.toml", tmp_path / "cluster.toml") == (
        tmp_path / "box.toml",
        tmp_path / "cluster.toml",
    )
    assert asked == ["cluster"]


def test_what_is_lacking_is_told(tmp_path, monkeypatch, capsys: pytest.CaptureFixture[str]):
    def lacking(layer: str) -> None:
        raise Incomplete(f"this Python lacks what {layer} needs")

    monkeypatch.setattr(migrate, "ensure", lacking)
    assert migrate.main(tmp_path / "box.toml", tmp_path / "cluster.toml") == 1
    assert "migrate: this Python lacks what cluster needs" in capsys.readouterr().err
