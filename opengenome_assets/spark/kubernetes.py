"""Starts Spark's executor in a pod of Kubernetes: ``python -m opengenome_assets.spark.kubernetes``.

Spark sets variables in the pods that it creates, and expects that the image makes a Java command of them. So this project's
image serves as driver and as executor.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_EXECUTOR = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
_ARGUMENTS = {
    "--driver-url": "SPARK_DRIVER_URL",
    "--executor-id": "SPARK_EXECUTOR_ID",
    "--cores": "SPARK_EXECUTOR_CORES",
    "--app-id": "SPARK_APPLICATION_ID",
    "--hostname": "SPARK_EXECUTOR_POD_IP",
    "--resourceProfileId": "SPARK_RESOURCE_PROFILE_ID",
    "--podName": "SPARK_EXECUTOR_POD_NAME",
}
_OPTION = re.compile(r"SPARK_JAVA_OPT_([0-9]+)")


def executor_command(variables: Mapping[str, str], spark_home: Path) -> list[str]:
    """The command of an executor.

    Args:
        variables: environment of the pod's container, as Spark has made it.
        spark_home: folder of Spark.

    Raises:
        KeyError: a variable is missing, so Spark did not create this pod.
    """
    numbered = sorted((int(found[1]), name) for name in variables if (found := _OPTION.fullmatch(name)))
    options = [variables[name] for _, name in numbered]
    memory = variables["SPARK_EXECUTOR_MEMORY"]
    places = [
        variables.get("SPARK_CONF_DIR", ""),
        variables.get("SPARK_CLASSPATH", ""),
        f"{spark_home}/jars/*",
    ]
    arguments = [word for option, name in _ARGUMENTS.items() for word in (option, variables[name])]
    return [
        "java",
        *options,
        f"-Xms{memory}",
        f"-Xmx{memory}",
        "-cp",
        os.pathsep.join(filter(None, places)),
        _EXECUTOR,
        *arguments,
    ]


if __name__ == "__main__":
    import pyspark

    command = executor_command(os.environ, Path(pyspark.__file__).parent)
    os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)
