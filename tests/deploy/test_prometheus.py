"""Prometheus: every figure that a rule names is one that a process tells, and every alert is explained."""

import re
from typing import Any

import pytest
import yaml

from tests.house.tree import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
GROUPS: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "threshold.rules.yml").read_text("utf-8"))["groups"]
RULES: list[dict[str, Any]] = GROUPS[0]["rules"]
SCRAPED: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
RUNBOOK = (ROOT / "deploy" / "runbook.md").read_text("utf-8")
# Where the processes say what they count, and under which prefix the names are made there.
TOLD_IN = {
    "gateway/edge/vitals.py": "threshold_gateway_",
    "streams/edge/cluster_metrics.py": "threshold_",
    "streams/edge/sink.py": "",
    "duty/edge/metrics.py": "",
}


def told() -> set[str]:
    """Every name that the code tells, as Prometheus stores it: a counter ends in `_total`."""
    found: set[str] = set()
    for file, prefix in TOLD_IN.items():
        text = (ROOT / file).read_text("utf-8")
        found |= {prefix + name for name in re.findall(r'(?:gauge|_by_partition)\(\s*"(\w+)"', text)}
        found |= {prefix + name + "_total" for name in re.findall(r'counter\("(\w+)"', text)}
        found |= set(re.findall(r'GaugeMetricFamily\(\s*"(\w+)"', text))
        found |= {name + "_total" for name in re.findall(r'CounterMetricFamily\(\s*"(\w+)"', text)}
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_figures_that_are_told(rule: dict[str, Any]) -> None:
    assert set(re.findall(r"threshold_\w+", rule["expr"])) <= told()
    jobs = {job["job_name"] for job in SCRAPED["scrape_configs"]}
    assert set(re.findall(r'job="([\w-]+)"', rule["expr"])) <= jobs


def test_a_misspelt_figure_would_be_found() -> None:
    assert "threshold_gateway_inbox_well" in told()
    assert "threshold_sink_refused_total" in told()
    assert "threshold_sink_refused" not in told()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_well_formed_and_explained_in_the_runbook(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert re.fullmatch(r"\d+[ms]", rule["for"])
    assert rule["annotations"]["runbook"].endswith("#" + rule["alert"].lower())
    assert re.search(rf"^### {rule['alert']}$", RUNBOOK, re.MULTILINE)


def test_the_runbook_explains_no_alert_that_is_gone() -> None:
    section = RUNBOOK.partition("## Alerts")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", section, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_every_process_is_scraped_by_the_name_and_port_that_compose_and_kubernetes_give_it() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]
    aliases = {
        alias for service in compose.values() if isinstance(service.get("networks"), dict)
        for network in service["networks"].values() if network for alias in network.get("aliases", [])
    }  # fmt: skip
    for job in SCRAPED["scrape_configs"]:
        for found in job.get("dns_sd_configs", []):
            (name,) = found["names"]
            assert name in aliases
            part = name.removesuffix("-pods")
            manifest = (ROOT / "deploy" / "kubernetes" / f"{part}.yaml").read_text("utf-8")
            (service,) = [
                each for each in yaml.safe_load_all(manifest)
                if each["kind"] == "Service" and each["metadata"]["name"] == name
            ]  # fmt: skip
            assert found["port"] in [port["port"] for port in service["spec"]["ports"]]
            assert job["tls_config"]["server_name"] == part


def test_every_part_that_reports_itself_unwell_is_in_the_runbook() -> None:
    found: set[str] = set()
    for package in ("gateway", "streams", "duty"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            found |= set(re.findall(r'(?:eporter\.say|_report)\(\s*f?"([\w-]+)', text))
            found |= set(re.findall(r'\.report\("([\w-]+)"', text))
            found |= set(re.findall(r'SystemReport\([^,()]+, "([\w-]+)"', text))
            found |= set(re.findall(r'^(?:\w+_)?PART = "([\w-]+)"', text, re.MULTILINE))
    assert {"inbox", "sink", "channel-", "self-test", "desk-logs"} <= found
    section = RUNBOOK.partition("## `system` incidents")[2]
    told_of = re.findall(r"^\| `([\w-]+?)(?:<\w+>)?` \|", section, re.MULTILINE)
    assert found <= set(told_of), found - set(told_of)
