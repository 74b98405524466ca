"""What the containers are run by: compose, Kubernetes, the image, the units of systemd, by the validators of their own.

`compose-spec.json` beside this file is the Compose Specification's own schema without its descriptions, from
compose-go 2.16.2 (Apache-2.0).
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from jsonschema.validators import validator_for

from devices.edge.settings import Settings, load
from tests.house.tree import ROOT
from tests.servers import free_port

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {"gateway", "streams", "sink", "desk"}


def parts_of() -> list[str]:
    """Whom make-certificates.sh makes certificates for."""
    found = re.search(r'^PARTS="(.*)"$', (DEPLOY / "make-certificates.sh").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return found[1].split()


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            yield path.name, document


def workloads() -> list[dict[str, Any]]:
    return [document for _, document in documents() if document["kind"] in ("StatefulSet", "Deployment")]


def settings_of(name: str, folder: Path) -> Settings:
    """As container.sh fills them in."""
    text = (DEPLOY / "cluster" / name).read_text("utf-8").replace("@HOSTNAME@", "gateway-0").replace("@COPIES@", "3")
    (folder / name).write_text(text)
    return load(folder / name)


# ── Kubernetes ──


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_every_manifest_is_what_kubernetes_knows(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text("utf-8")):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_a_misspelt_key_of_a_manifest_is_found() -> None:
    bad = workloads()[0]
    bad["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(bad, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("workload", workloads(), ids=lambda workload: workload["metadata"]["name"])
def test_every_pod_is_probed_bounded_and_hardened(workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    volumes = {volume["name"] for volume in pod["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    for container in pod["containers"]:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["timeoutSeconds"] < container[probe]["periodSeconds"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert {"cpu", "memory"} <= set(container["resources"]["limits"])
        hardened = container["securityContext"]
        assert hardened["readOnlyRootFilesystem"] is True
        assert hardened["allowPrivilegeEscalation"] is False
        assert hardened["capabilities"] == {"drop": ["ALL"]}
        assert hardened["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        for variable in container.get("env", []):
            assert (
                not re.search("password|token|secret", variable["name"], re.IGNORECASE) or "_FILE" in variable["name"]
            )


def test_what_several_run_of_may_lose_one_at_a_time() -> None:
    budgets = {d["metadata"]["name"]: d["spec"] for _, d in documents() if d["kind"] == "PodDisruptionBudget"}
    for workload in workloads():
        name = workload["metadata"]["name"]
        if workload["spec"]["replicas"] > 1:
            assert budgets[name]["maxUnavailable"] == 1
            assert budgets[name]["selector"] == workload["spec"]["selector"]
    assert set(budgets) == {"kafka", "gateway", "streams"}


def test_no_secret_is_contained_and_every_one_that_is_named_is_made_by_a_script() -> None:
    assert not [name for name, document in documents() if document["kind"] == "Secret"]
    made = (DEPLOY / "secrets.sh").read_text("utf-8")
    certificates = parts_of()
    for workload in workloads():
        for volume in workload["spec"]["template"]["spec"]["volumes"]:
            secrets = [volume["secret"]] if "secret" in volume else []
            secrets += [each["secret"] for each in volume.get("projected", {}).get("sources", []) if "secret" in each]
            for secret in secrets:
                name = secret.get("secretName") or secret["name"]
                if name.startswith("tls-"):
                    assert name.removeprefix("tls-") in certificates
                elif name == "secrets":
                    assert all(item["key"] in made for item in secret["items"])
                else:
                    assert name == "fleet"


def test_whoever_speaks_to_whom_is_a_row_of_the_network() -> None:
    policies = {d["metadata"]["name"]: d["spec"] for _, d in documents() if d["kind"] == "NetworkPolicy"}
    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    listening = {
        (workload["metadata"]["name"], port["containerPort"])
        for workload in workloads()
        for container in workload["spec"]["template"]["spec"]["containers"]
        for port in container["ports"]
    }
    for workload in workloads():
        name = workload["metadata"]["name"]
        spec = policies[name]
        assert spec["podSelector"]["matchLabels"] == {"app": name}
        for rule in spec["ingress"]:
            for port in rule["ports"]:
                assert (name, port["port"]) in listening
                for peer in rule.get("from", []):
                    peer_name = peer["podSelector"]["matchLabels"]["app"]
                    out = policies[peer_name]["egress"]
                    assert any(
                        port in each["ports"] and {"podSelector": {"matchLabels": {"app": name}}} in each["to"]
                        for each in out
                    ), f"{peer_name} may not speak to {name}"


def test_kustomize_names_files_and_config_maps_that_are_there() -> None:
    whole = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text("utf-8"))
    assert {DEPLOY / each for each in whole["resources"]} == set(MANIFESTS)
    made = {each["name"]: each["files"] for each in whole["configMapGenerator"]}
    for files in made.values():
        for each in files:
            assert (DEPLOY / each.rpartition("=")[2]).is_file(), each
    for workload in workloads():
        for volume in workload["spec"]["template"]["spec"]["volumes"]:
            named = [volume, *volume.get("projected", {}).get("sources", [])]
            for each in named:
                if "configMap" in each:
                    assert each["configMap"]["name"] in made


# ── compose ──


def whole(file: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests" / "deploy" / "compose-spec.json").read_text("utf-8"))
    validator_for(schema)(schema).validate(file)


def test_the_compose_file_is_what_compose_knows() -> None:
    whole(COMPOSE)


def test_a_misspelt_key_of_the_compose_file_is_found() -> None:
    bad = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    bad["services"]["kafka"]["helthcheck"] = {}
    with pytest.raises(jsonschema.ValidationError):
        whole(bad)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_probed_bounded_and_hardened(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service["user"].startswith("0")
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert re.fullmatch(r".+:v?\d+\.\d+.*", service["image"]), "an image at a version"
    for volume in service["volumes"]:
        source = volume.split(":")[0]
        if source.startswith(("./certificates/", "./secrets/")):
            continue
        assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
    for variable, value in service.get("environment", {}).items():
        assert "FILE" in variable or not re.search("PASSWORD|TOKEN", variable), value
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


def test_certificates_and_secrets_are_made_by_the_scripts_and_kept_out_of_the_repository() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8")
    assert "/deploy/secrets/" in ignored
    assert "/deploy/certificates/" in ignored
    for service in COMPOSE["services"].values():
        for volume in service["volumes"]:
            if volume.startswith("./certificates/"):
                assert volume.split(":")[0].rpartition("/")[2] in parts_of()
    made = (DEPLOY / "secrets.sh").read_text("utf-8")
    assert all(name in made for name in COMPOSE["secrets"])


def test_the_desk_has_its_door_on_its_own_loopback(tmp_path: Path) -> None:
    assert COMPOSE["services"]["desk-door"]["network_mode"] == "service:desk"
    desk = settings_of("desk.toml", tmp_path)
    assert desk.gateway.http == "127.0.0.1:18830"
    assert (desk.gateway.listen, desk.gateway.tls_listen, desk.gateway.broker) == ("", "", None)


@pytest.mark.parametrize("name", ["site.toml", "desk.toml"])
def test_the_settings_of_the_containers_are_read_and_all_is_tls(name: str, tmp_path: Path) -> None:
    settings = settings_of(name, tmp_path)
    assert settings.cluster.security_protocol == "SSL"
    assert settings.sink.influx_url.startswith("https://")
    assert settings.metrics.client_ca
    assert settings.gateway.listen == ""
    if settings.gateway.broker:
        assert settings.gateway.broker.tls
    other = settings_of("desk.toml" if name == "site.toml" else "site.toml", tmp_path)
    assert settings.streams.partitions == other.streams.partitions


# ── the image and the units ──


def test_the_image_takes_the_lock_with_its_hashes_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "--require-hashes -r /tmp/cluster.txt" in text
    assert "USER 10001:10001" in text
    for copied in re.findall(r"^COPY (\w+) ", text, re.MULTILINE):
        assert (ROOT / copied).is_dir()
    kept_out = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in kept_out
    for package in ("deploy", *sorted(OURS - {"sink", "desk"}), "devices", "duty"):
        assert f"!{package}" in kept_out


@pytest.mark.parametrize("script", ["make-certificates.sh", "secrets.sh", "container.sh", "kafka/start.sh"])
def test_the_scripts_are_plain_sh(script: str) -> None:
    shell = shutil.which("dash") or "sh"
    done = subprocess.run([shell, "-n", str(DEPLOY / script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_in_a_container_a_process_has_the_containers_name_and_is_probed(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "site.toml").write_text(
        f'[data]\nfolder = "{tmp_path}/@HOSTNAME@"\n[cluster]\nreplication = @COPIES@\n'
        f'[metrics]\nsink = "127.0.0.1:{port}"\n'
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"THRESHOLD_TMP": str(tmp_path), "PATH": path, "THRESHOLD_COPIES": "3"}
    command = ["sh", str(DEPLOY / "container.sh")]

    def probed(*more: str) -> int:
        return subprocess.run([*command, "probe", "sink", *more], cwd=ROOT, env=environment, check=False).returncode

    sink = subprocess.Popen(
        [*command, "sink", str(tmp_path / "site.toml")], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert sink.stdout is not None
        assert sink.stdout.readline() == "sink ready\n"
        assert probed() == probed("--live") == 0
        assert "replication = 3" in (tmp_path / "threshold.toml").read_text()
        assert (tmp_path / socket.gethostname() / "series.db").is_file()
        sink.terminate()
        assert sink.wait(60) == 0, "the shell became the process, and the process heard the signal"
        assert probed("--live") == 1
    finally:
        sink.kill()
        sink.communicate()


def test_a_broker_of_kafka_has_everything_filled_in() -> None:
    start = (DEPLOY / "kafka" / "start.sh").read_text("utf-8")
    for name in re.findall("@[A-Z_]+@", (DEPLOY / "kafka" / "server.properties").read_text("utf-8")):
        assert f"s|{name}|" in start, name


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        assert not (Path("/run/systemd/system")).exists()
        return
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        # The programs and the user of a site are not those of this machine.
        text = unit.read_text("utf-8").replace("/opt/threshold/threshold", "/bin/true")
        text = re.sub(r"/opt/threshold/.venv/bin/python", "/bin/true", text)
        (tmp_path / unit.name).write_text(re.sub(r"(?m)^User=.*$", "User=daemon", text))
        done = subprocess.run(
            [analyze, "verify", "--man=no", str(tmp_path / unit.name)], capture_output=True, text=True, check=False
        )
        said = [line for line in done.stderr.splitlines() if unit.name in line or "nknown" in line]
        assert not said, "\n".join(said)
        assert done.returncode == 0, done.stderr
