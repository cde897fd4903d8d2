"""Properties of docker-compose.yml and Dockerfile, read from the files without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from opengenome_assets.declaring import declared
from opengenome_assets.settings import PARAMETERS, Settings, SparkSettings
from opengenome_assets_tests.services import ROOT

SERVICES = {"database", "code-location", "web", "daemon", "spark-master", "spark-worker"}
DAGSTER = ("code-location", "web", "daemon")
VARIABLE = re.compile(r"\$\{(\w+)(:[-?][^}]*)?\}")


def parsed(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return read


COMPOSE = parsed("docker-compose.yml")
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def test_the_services_are_the_documented_ones() -> None:
    assert set(COMPOSE["services"]) == SERVICES


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_confined_limited_watched_and_started_again(name: str) -> None:
    found = service(name)
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["restart"] == "unless-stopped"
    assert found["mem_limit"]
    assert found["cpus"]
    assert found["healthcheck"]["test"]
    assert "privileged" not in found
    assert "network_mode" not in found


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_published_port_is_on_the_loopback(name: str) -> None:
    for port in service(name).get("ports", []):
        assert str(port).startswith("127.0.0.1:"), f"{name} publishes {port}"


def test_only_the_two_web_pages_are_published() -> None:
    assert {name for name in SERVICES if "ports" in service(name)} == {"web", "spark-master"}


def test_the_database_is_on_the_private_network_alone() -> None:
    assert service("database")["networks"] == ["storage"]
    assert COMPOSE["networks"]["storage"]["internal"] is True


def test_a_spark_service_does_not_reach_the_database() -> None:
    assert service("spark-master")["networks"] == ["compute"]
    assert service("spark-worker")["networks"] == ["compute"]


def test_no_secret_has_a_default() -> None:
    secrets = {
        (variable, rest)
        for variable, rest in VARIABLE.findall((ROOT / "docker-compose.yml").read_text())
        if re.search("PASSWORD|SECRET|KEY|TOKEN", variable)
    }
    assert {variable for variable, _ in secrets} == {"POSTGRES_PASSWORD", "OPENGENOME_SPARK_SECRET"}
    assert all(rest.startswith(":?") for _, rest in secrets)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_secret_stands_in_the_file(name: str) -> None:
    for variable, value in service(name)["environment"].items():
        if re.search("PASSWORD|SECRET|KEY|TOKEN", variable):
            assert value is None or VARIABLE.fullmatch(value), f"{name}: {variable} is written down"


def test_the_example_of_env_gives_no_secret() -> None:
    given = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert given["POSTGRES_PASSWORD"] == given["OPENGENOME_SPARK_SECRET"] == ""


def test_every_variable_of_the_file_is_told_in_the_example() -> None:
    reported = (ROOT / ".env.example").read_text()
    used = {variable for variable, _ in VARIABLE.findall((ROOT / "docker-compose.yml").read_text())}
    own = {variable for variable in used if not variable.startswith("OPENGENOME_")}
    assert own - set(re.findall(r"[A-Z_]{3,}", reported)) == set()


@pytest.mark.parametrize("name", ["code-location", "web"])
def test_every_setting_is_passed_through(name: str) -> None:
    settings = [*declared(Settings).values(), *PARAMETERS.values(), *declared(SparkSettings).values()]
    assert {each.variable for each in settings} - set(service(name)["environment"]) == set()


@pytest.mark.parametrize("name", ["code-location", "web"])
def test_a_driver_is_found_by_its_services_name(name: str) -> None:
    assert service(name)["environment"]["OPENGENOME_SPARK_DRIVER_HOST"] == name


@pytest.mark.parametrize("name", [*DAGSTER, "spark-worker"])
def test_own_data_are_read_only(name: str) -> None:
    mounts = dict(volume.rsplit("}:", 1) for volume in service(name)["volumes"] if "}:" in volume)
    assert "/data:ro" in mounts.values()
    assert "/results" in mounts.values()


def test_spark_wants_the_secret() -> None:
    for name in ("spark-master", "spark-worker"):
        options = service(name)["environment"]["SPARK_DAEMON_JAVA_OPTS"]
        assert "-Dspark.authenticate=true" in options
        assert "-Dspark.network.crypto.enabled=true" in options
        # Spark's other door for submitting asks for no secret.
        assert "-Dspark.master.rest.enabled=false" in options


@pytest.mark.parametrize("name", sorted(SERVICES - {"database"}))
def test_the_projects_image_is_asked_of_no_registry(name: str) -> None:
    assert service(name)["image"] == "opengenome-assets"
    # The code location's service builds it where it is missing.
    assert service(name)["pull_policy"] == "never"
    assert ("build" in service(name)) == (name == "code-location")


def test_event_logs_are_kept_with_the_results() -> None:
    for name in ("code-location", "web"):
        reported = service(name)["environment"]["OPENGENOME_SPARK_EVENT_LOG"]
        # Set to nothing, it turns them off.
        assert reported == "${OPENGENOME_SPARK_EVENT_LOG-/results/spark-events}"


def test_containers_with_runs_end_those_of_their_predecessor() -> None:
    for name, owner in (("code-location", "of-code-location"), ("web", "of-commands")):
        assert (
            f"python -m opengenome_assets.running.lost_runs list {owner})\n" in service(name)["command"][-1]
        )


def test_the_image_runs_as_no_root() -> None:
    stages = re.split(r"(?m)^FROM ", DOCKERFILE)
    users = re.findall(r"(?m)^USER (\S+)", stages[-1])
    assert users == ["opengenome"]
    assert re.search(r"useradd --uid [1-9]\d+ .*opengenome", stages[-1])
    assert service("database")["user"].split(":")[0] != "0"
    assert all("user" not in service(name) for name in SERVICES - {"database"})


def test_the_image_installs_the_lock_by_hash() -> None:
    assert "--require-hashes -r deployment/requirements.lock" in DOCKERFILE


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([a-z0-9_.-]+)==([^ ;\\]+)", lock.read_text()))


def test_the_image_has_the_versions_that_are_tested() -> None:
    tested, deployed = pins(ROOT / "requirements.lock"), pins(ROOT / "deployment" / "requirements.lock")
    assert "dagster-postgres" in deployed
    assert {name: version for name, version in deployed.items() if tested.get(name) != version} == {}


@pytest.mark.parametrize("lock", ["requirements.lock", "deployment/requirements.lock"])
def test_a_lock_names_no_host(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


def test_dagster_is_set_up_as_without_containers() -> None:
    ours, deployed = parsed("opengenome_assets/running/dagster.yaml"), parsed("deployment/dagster.yaml")
    assert {key: deployed[key] for key in ours} == ours
    assert deployed["telemetry"] == {"enabled": False}
    assert deployed["storage"]["postgres"]["postgres_db"]["password"] == {"env": "POSTGRES_PASSWORD"}
