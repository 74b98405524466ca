"""Brings the servers that this machine lacks: Debian's packages, Kafka's jars, influxd, packages of npm and PyPI.

`python -m tests.servers.fetching` is what `./threshold test --live` runs first. Each thing is looked for before it is
fetched, so a second run takes a second. Packages of the machine are installed only by root. What is kept goes to the
cache (`finding.cache`), never into the repository; every client uses the registries its own settings name.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import influxd, kafka
from tests.servers.finding import Missing, cache, find

# what is looked for (any one of them) → Debian's packages that bring it
PACKAGES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("mosquitto",), ("mosquitto",)),
    (("mosquitto_pub",), ("mosquitto-clients",)),
    (("chromium", "chromium-browser", "google-chrome"), ("chromium",)),
    (("initdb",), ("postgresql",)),
    (("java",), ("openjdk-17-jre-headless",)),
    (("mvn",), ("maven",)),
    (("node",), ("nodejs",)),
    (("npm",), ("npm",)),
)
CHINESE_FONTS = "fonts-noto-cjk"
# How long to wait before a fetch is tried again: a registry that did not answer may do so a moment later.
PAUSES_S = (5.0, 20.0, 60.0)
NPM_PACKAGES = {
    "acorn": "8",
    "axe-core": "4",
    "mqtt": "5",
    "sparkplug-payload": "1",
    "zigbee-herdsman-converters": "26",
}
# Other people's parsers, for a second opinion, in an environment of their own: name of the module → package.
PYTHON_PACKAGES = {"bthome_ble": "bthome-ble", "kpn_senml": "kpn-senml", "pydeconz": "pydeconz"}

KAFKA_POM = f"""\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>threshold.tests</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_{kafka.SCALA}</artifactId>
      <version>{kafka.VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


def say(text: str) -> None:
    print(f"servers: {text}", file=sys.stderr, flush=True)


def run(*command: str, cwd: Path | None = None, **environment: str) -> None:
    """Run to its end; its output goes to stderr, so that a test run's own last line stays the last of stdout."""
    subprocess.run(command, check=True, cwd=cwd, env=os.environ | environment, stdout=sys.stderr, timeout=1500)


def fetched(*command: str, cwd: Path | None = None, **environment: str) -> None:
    """The same for a command that fetches over the network: tried again where it failed.  Raises CalledProcessError."""
    for pause_s in PAUSES_S:
        try:
            run(*command, cwd=cwd, **environment)
        except subprocess.CalledProcessError as error:
            say(f"{error}; tried again in {pause_s:g} s")
            time.sleep(pause_s)
        else:
            return
    run(*command, cwd=cwd, **environment)


def missing_packages() -> list[str]:
    missing = [package for names, packages in PACKAGES if find(*names) is None for package in packages]
    if not has_chinese_fonts():
        missing.append(CHINESE_FONTS)
    return missing


def has_chinese_fonts() -> bool:
    listed = shutil.which("fc-list")
    if listed is None:
        return False
    return bool(subprocess.run([listed, ":lang=zh"], capture_output=True, check=False, timeout=60).stdout.strip())


def fetch_packages() -> None:
    packages = missing_packages()
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(f"not installed, for that takes root and apt-get: {' '.join(packages)}")
        return
    say(f"installing {' '.join(packages)}")
    try:
        fetched("apt-get", "update", "-q", "-q")
    except subprocess.CalledProcessError:
        say("the package lists could not be read anew; trying with those that are there")
    # A package that cannot be had must not keep the others away.
    try:
        apt_install(*packages)
    except subprocess.CalledProcessError:
        for package in packages:
            try:
                apt_install(package)
            except subprocess.CalledProcessError:
                say(f"{package} could not be installed")


def apt_install(*packages: str) -> None:
    options = ("-y", "-q", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=5")
    # Debian's postgresql would make and start a cluster of its own at installation: the tests make theirs.
    with service_starts_forbidden():
        run("apt-get", "install", *options, *packages, DEBIAN_FRONTEND="noninteractive")


@contextmanager
def service_starts_forbidden() -> Iterator[None]:
    """While packages are installed, their services are not started: policy-rc.d is what Debian asks about it."""
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink()


def fetch_kafka() -> None:
    try:
        kafka.jars()
        return
    except Missing:
        pass
    maven = find("mvn")
    if maven is None:
        say("Kafka's jars not fetched: no mvn")
        return
    say(f"fetching Kafka {kafka.VERSION} through Maven")
    folder = cache() / f"kafka-{kafka.VERSION}"
    work = cache() / "kafka.part"
    shutil.rmtree(work, ignore_errors=True)  # what an earlier fetch that was cut off has left
    work.mkdir(parents=True)
    (work / "pom.xml").write_text(KAFKA_POM)
    fetched(str(maven), "-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory=jars", cwd=work)
    shutil.rmtree(folder, ignore_errors=True)
    (work / "jars").rename(folder)
    shutil.rmtree(work)


def fetch_influxd() -> None:
    try:
        influxd.program()
        return
    except Missing:
        pass
    builder = Path(__file__).with_name("build-influxd.sh")
    if not all(find(tool) for tool in ("go", "cargo", "cc")):
        say("no influxd: put it on PATH or into THRESHOLD_SERVERS, or install go and cargo, and it is built here")
        return
    say(f"building influxd {influxd.VERSION} from its Go module (about 10 minutes)")
    target = cache() / "bin"
    target.mkdir(parents=True, exist_ok=True)
    run("sh", str(builder), influxd.VERSION, str(target / "influxd"))


def fetch_npm() -> None:
    """Packages of npm for the tests' own clients, into the cache: `cache()/npm/node_modules`."""
    npm = find("npm")
    missing = [name for name in NPM_PACKAGES if not (cache() / "npm" / "node_modules" / name).is_dir()]
    if not missing:
        return
    if npm is None:
        say(f"not fetched, no npm: {' '.join(missing)}")
        return
    say(f"fetching {' '.join(missing)} through npm")
    folder = cache() / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in NPM_PACKAGES.items()]
    options = ("--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder))
    fetched(str(npm), "install", *options, *wanted, cwd=folder)


def fetch_python() -> None:
    """Packages of PyPI that the tests ask for a second opinion: `cache()/python` is their environment."""
    folder = cache() / "python"
    missing = [
        package
        for module, package in PYTHON_PACKAGES.items()
        if not list(folder.glob(f"lib/python3*/site-packages/{module}"))
    ]
    if not missing:
        return
    say(f"fetching {' '.join(missing)} through pip")
    uv, python = find("uv"), str(folder / "bin" / "python")
    if uv is not None:
        run(str(uv), "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
        fetched(str(uv), "pip", "install", "--quiet", "--python", python, *missing)
    else:
        run(sys.executable, "-m", "venv", str(folder))
        fetched(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *missing)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two test runs of a machine do not fetch into each other's hands: the second waits, and finds what is there."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "fetching.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another test run is fetching; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    with one_at_a_time():
        for fetch in (fetch_packages, fetch_kafka, fetch_influxd, fetch_npm, fetch_python):
            # What could not be fetched is named here; the tests that need it then fail by name under --live.
            try:
                fetch()
            except (subprocess.SubprocessError, OSError) as error:
                say(f"{fetch.__name__} failed: {error}")


if __name__ == "__main__":
    main()
