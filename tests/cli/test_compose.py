"""docker-compose.yml and Dockerfile against the code: there may be no Docker to run them, so they are read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.cli import build_parser
from stream.cli.usage import Problems
from stream.tools import broker
from stream.worker import settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

SERVICE_KEYS = {
    "image", "build", "command", "environment", "ports", "volumes", "healthcheck", "depends_on", "restart",
    "stop_grace_period",
}  # fmt: skip


def test_every_key_is_one_of_the_compose_specification() -> None:
    assert set(COMPOSE) <= {"name", "services", "volumes"}
    for service in SERVICES.values():
        assert set(service) <= SERVICE_KEYS
        assert set(service.get("healthcheck", {})) <= {"test", "interval", "timeout", "retries", "start_period"}
        for name, condition in service.get("depends_on", {}).items():
            assert name in SERVICES
            assert condition["condition"] in {"service_healthy", "service_completed_successfully"}
            assert condition["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]


@pytest.mark.parametrize(
    "image", [*(one["image"] for one in SERVICES.values()), *re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)]
)
def test_images_are_pinned(image: str) -> None:
    assert re.search(r":\d+\.\d+\.\d+", image), f"{image} has no exact tag"


def test_the_image_of_ours_is_of_this_version() -> None:
    assert {SERVICES[name]["image"] for name in OURS} == {f"lapse:{PROJECT['version']}"}


def test_kafka_is_the_one_that_is_tested() -> None:
    assert SERVICES["kafka"]["image"].endswith(f":{broker.KAFKA_VERSION}")


@pytest.mark.parametrize("name", OURS)
def test_commands_and_variables_are_the_codes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES[name]
    for variable, value in service["environment"].items():
        known = {settings.BOOTSTRAP, settings.GROUP, settings.SLOT}
        assert variable in known or variable.startswith(settings.PREFIX)
        monkeypatch.setenv(variable, value)
    given, unknown = build_parser().parse_known_args(service["command"])
    assert not unknown
    problems = Problems()
    given.plan(given, problems)
    assert not problems.found


@pytest.mark.parametrize("name", OURS)
def test_the_cluster_is_where_kafka_listens(name: str) -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"//{SERVICES[name]['environment']['LAPSE_BOOTSTRAP']}" in advertised
    assert "kafka" in _upstream(name)


def test_ports_are_the_workers_own_and_open_to_this_host_only() -> None:
    _, port = settings.DEFAULT_HTTP.split(":")
    worker = SERVICES["worker"]
    assert worker["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert worker["command"][-2:] == ["--http", f"0.0.0.0:{port}"]
    assert f":{port}/readyz" in worker["healthcheck"]["test"][-1]
    assert f"EXPOSE {port}" in DOCKERFILE
    for service in SERVICES.values():
        assert all(mapping.startswith("127.0.0.1:") for mapping in service.get("ports", []))


def test_mounted_volumes_and_copied_files_exist() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists()
        assert (ROOT / service.get("build", ".")).is_dir()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for sources in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert source.removeprefix("./") in allowed


def test_the_image_runs_as_nobody_special() -> None:
    assert re.search(r"^USER lapse$", DOCKERFILE, re.MULTILINE)
    python = re.search(r"^FROM python:(\d+)\.(\d+)", DOCKERFILE, re.MULTILINE)
    assert python is not None
    assert f"Programming Language :: Python :: {python[1]}.{python[2]}" in PROJECT["classifiers"]


def _upstream(name: str) -> set[str]:
    """Every service that has to be there before."""
    found = set(SERVICES[name].get("depends_on", {}))
    return found.union(*(_upstream(one) for one in found))
