"""An invalid or unreachable master is refused in one line, before a JVM starts."""

import socket

import pytest

from opengenome_assets.errors import SettingError, SparkUnreachableError
from opengenome_assets.spark.master import check_master
from opengenome_assets_tests.services import free_port


@pytest.mark.parametrize(
    "master", ["local", "local[2]", "local[*]", "local[*,3]", "yarn", "k8s://https://host:443"]
)
def test_what_runs_here_or_is_found_by_spark_itself_is_taken(master: str) -> None:
    check_master(master)


@pytest.mark.parametrize(
    "master",
    [
        "foo",
        "local[]",
        "local[two]",
        "local[٣]",
        "spark://",
        "spark://host",
        "spark://host:port",
        "sc://",
        "http://a:1",
    ],
)
def test_an_invalid_master_url_is_refused_with_the_allowed_ones(master: str) -> None:
    with pytest.raises(SettingError, match=r"OPENGENOME_SPARK_MASTER: '.*' is not allowed\. Set local"):
        check_master(master)


@pytest.mark.parametrize("form", ["spark://127.0.0.1:{port}", "sc://127.0.0.1:{port}/;user_id=me"])
def test_an_address_where_nothing_listens_is_named(form: str) -> None:
    master = form.format(port=free_port())
    with pytest.raises(SparkUnreachableError, match=r"nothing answers at .*Connection refused"):
        check_master(master)


def test_a_host_that_nobody_knows_is_named() -> None:
    with pytest.raises(SparkUnreachableError, match=r"nothing answers at spark://nowhere\.invalid:7077"):
        check_master("spark://nowhere.invalid:7077")


def test_one_of_several_masters_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_master(f"spark://127.0.0.1:{free_port()},127.0.0.1:{server.getsockname()[1]}")
