"""The executor's command, and the manifest for Kubernetes, which cannot be run here."""

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import pyspark
import pytest
import yaml

from opengenome_assets.declaring import declared
from opengenome_assets.settings import Settings, SparkSettings
from opengenome_assets.spark.kubernetes import executor_command
from opengenome_assets_tests.services import ROOT

# As Spark sets them in a pod.
POD = {
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@opengenome-driver:7078",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "4",
    "SPARK_EXECUTOR_MEMORY": "1024m",
    "SPARK_APPLICATION_ID": "spark-0123",
    "SPARK_EXECUTOR_POD_IP": "10.1.2.3",
    "SPARK_EXECUTOR_POD_NAME": "executor-3",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_CONF_DIR": "/opt/spark/conf",
    "SPARK_JAVA_OPT_10": "-Dlast=10",
    "SPARK_JAVA_OPT_9": "-Dspark.driver.port=7078",
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    documents = yaml.safe_load_all((ROOT / "deployment" / "kubernetes.yaml").read_text())
    return {f"{each['kind']} {each['metadata']['name']}": each for each in documents}


def test_the_command_has_options_in_order_memory_and_classes() -> None:
    command = executor_command(POD, Path("/spark"))
    assert command[:5] == ["java", "-Dspark.driver.port=7078", "-Dlast=10", "-Xms1024m", "-Xmx1024m"]
    assert command[5:7] == ["-cp", "/opt/spark/conf:/spark/jars/*"]
    arguments = dict(zip(command[8::2], command[9::2], strict=True))
    assert arguments["--hostname"] == "10.1.2.3"
    assert arguments["--podName"] == "executor-3"
    assert arguments["--cores"] == "4"


def test_a_pod_that_spark_did_not_create_is_refused() -> None:
    with pytest.raises(KeyError, match="SPARK_DRIVER_URL"):
        executor_command(
            {name: value for name, value in POD.items() if name != "SPARK_DRIVER_URL"}, Path("/spark")
        )


@pytest.mark.spark
def test_sparks_executor_knows_class_and_arguments() -> None:
    command = executor_command(POD, Path(pyspark.__file__).parent)
    usage = subprocess.run([*command[:8], "--help"], capture_output=True, text=True, timeout=60, check=False)
    missing = [option for option in command[8::2] if option not in usage.stdout + usage.stderr]
    assert missing == []


def test_driver_and_executors_have_one_image_and_account(manifest: dict[str, Any]) -> None:
    settings = dict(
        line.split(None, 1)
        for line in manifest["ConfigMap opengenome-spark"]["data"]["spark-defaults.conf"].splitlines()
        if not line.startswith("#")
    )
    driver = manifest["Job opengenome-driver"]["spec"]["template"]["spec"]
    assert driver["containers"][0]["image"] == settings["spark.kubernetes.container.image"]
    account = manifest["ServiceAccount opengenome"]["metadata"]["name"]
    assert driver["serviceAccountName"] == account
    assert settings["spark.kubernetes.authenticate.serviceAccountName"] == account
    binding = manifest["RoleBinding opengenome-driver"]
    assert binding["subjects"][0]["name"] == account
    assert binding["roleRef"]["name"] == manifest["Role opengenome-driver"]["metadata"]["name"]


def test_executors_start_this_projects_module(manifest: dict[str, Any]) -> None:
    template = yaml.safe_load(manifest["ConfigMap opengenome-spark"]["data"]["executor.yaml"])
    (container,) = template["spec"]["containers"]
    python, option, module = container["command"]
    assert (python, option) == ("python", "-m")
    assert importlib.util.find_spec(module) is not None
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_service_selects_the_driver_whose_settings_exist(manifest: dict[str, Any]) -> None:
    template = manifest["Job opengenome-driver"]["spec"]["template"]
    service = manifest["Service opengenome-driver"]
    assert template["metadata"]["labels"] == service["spec"]["selector"]
    (container,) = template["spec"]["containers"]
    values = {each["name"]: each["value"] for each in container["env"]}
    assert values["OPENGENOME_SPARK_DRIVER_HOST"] == service["metadata"]["name"]
    known = {each.variable for kind in (Settings, SparkSettings) for each in declared(kind).values()}
    assert {name for name in values if name.startswith("OPENGENOME_")} <= known
