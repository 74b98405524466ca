"""The dashboards: what is committed is what the table makes, whole in both languages, asks for what there is."""

import json
import re

import pytest
import yaml

from deploy.dashboards import DASHBOARDS, FOLDER, LANGUAGES, Dashboard, Panel, as_json, files
from streams.measurements import BY_NAME, STAGES
from tests.house.tree import ROOT

PANELS = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
GRAFANA = ROOT / "deploy" / "grafana" / "provisioning"


def test_what_is_committed_is_what_the_table_makes() -> None:
    made = files()
    assert {path: path.read_text("utf-8") for path in FOLDER.rglob("*.json")} == made, "python -m deploy.dashboards"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_both_languages_ask_the_same_and_say_their_own(dashboard: Dashboard) -> None:
    zh, en = (json.loads(as_json(dashboard, language)) for language in LANGUAGES)
    assert [panel["targets"] for panel in zh["panels"]] == [panel["targets"] for panel in en["panels"]]
    assert zh["uid"] != en["uid"]
    for ours, theirs in zip(zh["panels"], en["panels"], strict=True):
        for key in ("title", "description"):
            assert re.search("[\u4e00-\u9fff]", ours[key])
            assert theirs[key].isascii()


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=lambda each: getattr(each, "uid", "") or each.title[1])
def test_a_question_names_a_measurement_field_tag_and_bucket_that_are_there(dashboard: Dashboard, panel: Panel) -> None:
    (measurement,) = set(re.findall(r'_measurement == "(\w+)"', panel.flux))
    row = BY_NAME[measurement]
    assert set(re.findall(r'_field == "(\w+)"', panel.flux)) <= {field.name for field in row.fields}
    assert set(re.findall(r'"\$\{bucket\}-(\w+)"', panel.flux)) == {row.keep}
    tags = set(re.findall(r"\br\.([a-z]+) (?:==|!=|=~)", panel.flux)) - {"_measurement", "_field", "_value"}
    for names in re.findall(r"group\(columns: \[(.*?)\]", panel.flux):
        tags |= set(re.findall(r'"(\w+)"', names))
    assert tags - {"percentile", "hour"} <= set(row.tags)
    assert set(re.findall(r'r\.stage == "([\w-]+)"', panel.flux)) <= set(STAGES)


def test_no_panel_lies_over_another_and_ids_are_its_own() -> None:
    for dashboard in DASHBOARDS:
        panels = json.loads(as_json(dashboard, "en"))["panels"]
        places = [
            {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
            for p in (panel["gridPos"] for panel in panels)
        ]
        assert sum(map(len, places)) == len(set().union(*places))
        assert len({panel["id"] for panel in panels}) == len(panels)
        assert max(x for place in places for x, _ in place) < 24


def test_what_is_provisioned_is_what_the_dashboards_ask() -> None:
    source = yaml.safe_load((GRAFANA / "datasources" / "threshold.yaml").read_text("utf-8"))["datasources"][0]
    panels = json.loads(as_json(DASHBOARDS[0], "zh"))["panels"]
    assert panels[0]["datasource"] == {"type": source["type"], "uid": source["uid"]}
    assert source["jsonData"]["version"] == "Flux"
    assert source["secureJsonData"]["token"].startswith("$__file{"), "a secret is a file"
    providers = yaml.safe_load((GRAFANA / "dashboards" / "threshold.yaml").read_text("utf-8"))["providers"]
    assert [each["options"]["path"].rpartition("/")[2] for each in providers] == list(LANGUAGES)
