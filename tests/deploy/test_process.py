"""One process of a box by its name."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest

from deploy import process


@pytest.mark.parametrize("name", process.ENTRIES)
def test_every_entry_is_a_function_that_takes_the_configuration(name):
    module, function = process.ENTRIES[name].split(":")
    assert "config" in inspect.signature(getattr(importlib.import_module(module), function)).parameters


def test_how_to_start_one():
    assert process.argv_of("sink", Path("/c.toml")) == [
        sys.executable, "-m", "deploy.process", "sink", "--config", "/c.toml",
    ]  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["gateway"], ["nothing", "--config", "c"], ["gateway", "c", "d"]])
def test_anything_else_says_how(arguments, capsys):
    assert process.main(arguments) == 2
    assert "usage" in capsys.readouterr().err
