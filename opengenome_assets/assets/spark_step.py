"""What every step that runs on Spark begins with: the session, and where the run can be watched."""

import time
from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets.assets.resources import CodonSparkResource

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def session_of(context: dg.AssetExecutionContext, pyspark: CodonSparkResource) -> "SparkSession":
    """The run's session; the log and the run's tags say where it can be watched.

    Raises:
        SparkSessionError: there is no session to be had, or its executors cannot do this project's work.
    """
    began = time.monotonic()
    spark: SparkSession = pyspark.spark_session
    places = pyspark.places
    context.log.info(
        " · ".join(
            [
                f"Spark session ready · {time.monotonic() - began:.1f} s",
                *(f"{name.replace('_', ' ')}: {place}" for name, place in places.items()),
            ]
        )
    )
    # The run's page shows them while it goes on, and after it failed.
    context.instance.add_run_tags(
        context.run.run_id, {f"opengenome/spark_{name}": place for name, place in places.items()}
    )
    return spark
