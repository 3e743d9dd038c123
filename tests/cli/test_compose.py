"""docker-compose.yml and Dockerfile against the code: there may be no Docker to run them, so they are read."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema.validators
import pytest
import yaml

from stream.cli import build_parser
from stream.cli.usage import Problems
from stream.desk import settings as desk
from stream.tools import broker, deadman
from stream.worker import settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
# as Compose fills in variables that are not set
COMPOSE: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", TEXT))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
COMMANDS = sorted(name for name in OURS if "entrypoint" not in SERVICES[name])
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PROMETHEUS: dict[str, Any] = yaml.safe_load((ROOT / "grafana/prometheus/prometheus.yml").read_text("utf-8"))
ALERTMANAGER: dict[str, Any] = yaml.safe_load((ROOT / "grafana/alertmanager/alertmanager.yml").read_text("utf-8"))

# what the images hold, of the programs that health checks call (their Dockerfiles and documentation)
PROGRAMS = {
    "apache/kafka": {"/opt/kafka/bin/kafka-broker-api-versions.sh"},
    "lapse": {"python"},
    "prom/prometheus": {"wget"},
    "prom/alertmanager": {"wget"},
    "grafana/grafana": {"wget"},
    "axllent/mailpit": {"/mailpit"},
}
# whose images run as somebody special by themselves, so that the file need not say it
UNPRIVILEGED = {"apache/kafka", "prom/prometheus", "prom/alertmanager", "grafana/grafana", "lapse"}


def image(name: str) -> str:
    """The image of a service without its tag."""
    return str(SERVICES[name]["image"]).rpartition(":")[0]


def port(text: str) -> str:
    return text.rpartition(":")[2]


def test_it_is_as_the_schema_of_compose_wants_it() -> None:
    # only the file is taken: the package's own command line needs another click than Faust
    found = importlib.util.find_spec("check_jsonschema")
    assert found is not None
    assert found.origin is not None
    schema = Path(found.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    wanted = json.loads(schema.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(wanted)(wanted)
    assert [error.message for error in validator.iter_errors(COMPOSE)] == []
    wrong = {**COMPOSE, "services": {"kafka": {"image": "a", "port": ["1:1"]}}}
    assert "'port' was unexpected" in str([error.message for error in validator.iter_errors(wrong)])


def test_whom_a_service_waits_for_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for name, condition in service.get("depends_on", {}).items():
            assert name in SERVICES
            assert condition["condition"] in {"service_healthy", "service_completed_successfully"}
            assert condition["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]


@pytest.mark.parametrize(
    "tagged", [*(one["image"] for one in SERVICES.values()), *re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)]
)
def test_images_are_pinned(tagged: str) -> None:
    assert re.search(r":v?\d+\.\d+\.\d+", tagged), f"{tagged} has no exact tag"


def test_the_image_of_ours_is_of_this_version() -> None:
    assert {SERVICES[name]["image"] for name in OURS} == {f"lapse:{PROJECT['version']}"}


def test_kafka_is_the_one_that_is_tested() -> None:
    assert SERVICES["kafka"]["image"].endswith(f":{broker.KAFKA_VERSION}")


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_and_variables_are_the_codes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES[name]
    for variable, value in service["environment"].items():
        known = {settings.BOOTSTRAP, settings.GROUP, settings.SLOT, desk.TOKEN}
        assert variable in known or variable.startswith(settings.PREFIX)
        monkeypatch.setenv(variable, value or "")
    given, unknown = build_parser().parse_known_args(service["command"])
    assert not unknown
    problems = Problems()
    given.plan(given, problems)
    assert not problems.found


def test_what_is_no_command_of_ours_takes_its_words() -> None:
    service = SERVICES["deadman"]
    assert service["entrypoint"] == ["python", "-m", deadman.__name__]
    command = [sys.executable, "-m", deadman.__name__, *service["command"], "--patience", "never"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "--patience: invalid float value" in done.stderr, "the other words are taken"
    assert "unrecognized" not in done.stderr


def test_the_demo_leaves_the_work_to_the_workers_that_are_there() -> None:
    assert SERVICES["demo"]["command"][:3] == ["demo", "--workers", "0"]
    assert SERVICES["demo"]["profiles"] == ["demo"]
    assert {"worker", "desk"} <= set(SERVICES["demo"]["depends_on"])
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["demo"]


@pytest.mark.parametrize("name", [name for name in COMMANDS if "environment" in SERVICES[name]])
def test_the_cluster_is_where_kafka_listens(name: str) -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"//{SERVICES[name]['environment']['LAPSE_BOOTSTRAP']}" in advertised
    assert "kafka" in _upstream(name)


@pytest.mark.parametrize(("name", "default"), [("worker", settings.DEFAULT_HTTP), ("desk", desk.DEFAULT_HTTP)])
def test_workers_and_desk_are_on_their_own_ports(name: str, default: str) -> None:
    service = SERVICES[name]
    assert service["command"][-2:] == ["--http", f"0.0.0.0:{port(default)}"]
    assert f":{port(default)}/healthz" in service["healthcheck"]["test"][-1]
    assert port(default) in re.findall(r"\d+", re.findall(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)[0])


def test_workers_can_be_many() -> None:
    assert "ports" not in SERVICES["worker"]
    assert "container_name" not in SERVICES["worker"]


def test_nothing_is_open_to_other_machines() -> None:
    published = [mapping for service in SERVICES.values() for mapping in service.get("ports", [])]
    assert published
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", mapping) for mapping in published)
    assert len(set(published)) == len(published)


def test_prometheus_scrapes_what_runs() -> None:
    jobs = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    (workers,) = jobs["lapse-worker"]["dns_sd_configs"]
    assert workers["names"] == ["worker"]
    assert workers["port"] == int(port(settings.DEFAULT_HTTP))
    assert _targets(jobs["lapse-desk"]) == [f"desk:{port(desk.DEFAULT_HTTP)}"]
    assert _targets(jobs["alertmanager"]) == ["alertmanager:9093"]
    (peer,) = PROMETHEUS["alerting"]["alertmanagers"]
    assert _targets(peer) == ["alertmanager:9093"]
    for name, job in jobs.items():
        for target in _targets(job):
            assert target.startswith("127.0.0.1:") or target.split(":")[0] in SERVICES, name


def _targets(job: dict[str, Any]) -> list[str]:
    return [target for one in job.get("static_configs", []) for target in one["targets"]]


def test_alertmanager_reaches_mailbox_and_switch() -> None:
    host, smtp = ALERTMANAGER["global"]["smtp_smarthost"].split(":")
    assert host in SERVICES
    assert SERVICES["deadman"]["command"][2:4] == ["--smtp", f"{host}:{smtp}"]
    (switch,) = (one for one in ALERTMANAGER["receivers"] if one["name"] == "deadman")
    assert switch["webhook_configs"][0]["url"] == f"http://deadman:{port(SERVICES['deadman']['command'][1])}/"


def test_grafana_finds_boards_and_prometheus() -> None:
    mounted = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    provider = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/lapse.yml").read_text("utf-8"))["providers"][0]
    assert mounted["./grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./grafana/provisioning"] == "/etc/grafana/provisioning"
    source = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8"))
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana/dashboards" / Path(home).name).is_file()
    assert Path(home).parent.as_posix() == provider["options"]["path"]


def test_mounted_volumes_and_files_exist() -> None:
    used = set()
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source, target = mount.split(":")[:2]
            used.add(source)
            assert target.startswith("/")
            assert source in COMPOSE["volumes"] or (ROOT / source).exists(), mount
            assert not source.startswith(".") or mount.endswith(":ro"), f"{mount} could be changed from inside"
    assert set(COMPOSE["volumes"]) <= used


def test_paths_given_to_programs_are_mounted() -> None:
    for name in ("prometheus", "alertmanager"):
        mounted = {mount.split(":")[1] for mount in SERVICES[name]["volumes"]}
        for path in re.findall(r"=(/[^\s]+)", " ".join(SERVICES[name]["command"])):
            assert any(path.startswith(target) for target in mounted), path
    assert PROMETHEUS["rule_files"] == ["/etc/prometheus/rules/*.yml"]
    assert "./grafana/rules:/etc/prometheus/rules:ro" in SERVICES["prometheus"]["volumes"]
    assert ALERTMANAGER["templates"] == ["/etc/alertmanager/*.tmpl"]
    assert "./grafana/alertmanager:/etc/alertmanager:ro" in SERVICES["alertmanager"]["volumes"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_has_its_limit_and_what_stays_is_looked_at(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    if service.get("restart") == "unless-stopped":
        assert service["healthcheck"]["test"][1] in PROGRAMS[image(name)]
    assert image(name) in UNPRIVILEGED or not str(service.get("user", "0")).startswith("0")


def test_the_image_is_small_and_nobody_special_runs_it() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    assert len(stages) == 3, "a stage to build in, and one that is kept"
    kept = stages[-1]
    assert "pip" not in kept
    assert re.search(r"^COPY --from=build ", kept, re.MULTILINE)
    assert re.search(r"^USER 10001", kept, re.MULTILINE)
    assert kept.index("USER ") < kept.index("RUN echo"), "what is compiled belongs to who runs it"
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert "cache:/home/lapse/.cache" in SERVICES[name]["volumes"], "numba writes beside what it finds there"
    assert "NUMBA_CACHE_DIR=/home/lapse/.cache/" in kept
    python = re.search(r"^python:(\d+)\.(\d+)", kept)
    assert python is not None
    assert f"Programming Language :: Python :: {python[1]}.{python[2]}" in PROJECT["classifiers"]


def test_copied_files_exist_and_are_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = [one for one in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE) if "--from" not in one]
    assert copied
    for sources in copied:
        for source in sources.split():
            assert (ROOT / source).exists()
            assert source.removeprefix("./") in allowed


def test_the_examples_at_the_top_are_of_this_file() -> None:
    head = TEXT[: TEXT.index("\nname:")]
    assert set(re.findall(r"--scale (\w+)=", head)) == {"worker"}
    assert set(re.findall(r"--profile (\w+)", head)) == {"demo"}
    for address in re.findall(r"http://127\.0\.0\.1:(\d+)", TEXT[TEXT.index("mail:") :] + head):
        published = {port(mapping) for service in SERVICES.values() for mapping in service.get("ports", [])}
        inside = {"9464", port(SERVICES["deadman"]["command"][1])}
        assert address in published | inside
    for variable in re.findall(r"^# .*?([A-Z]+_[A-Z]+)=", head, re.MULTILINE):
        assert f"${{{variable}:-" in TEXT


def _upstream(name: str) -> set[str]:
    """Every service that has to be there before."""
    found = set(SERVICES[name].get("depends_on", {}))
    return found.union(*(_upstream(one) for one in found))
