"""An object store on loopback, configured as users do it: by the variables of the client."""

from collections.abc import Iterator
from typing import Any

import pytest

from opengenome_assets_tests.s3_server import serve_s3


@pytest.fixture(scope="module")
def s3_variables() -> Iterator[dict[str, str]]:
    with serve_s3() as variables:
        yield variables


@pytest.fixture
def s3(s3_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The store's client, and one empty bucket."""
    import s3fs

    for name, value in s3_variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    # Clients are kept by their arguments, and would keep another test's address.
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem()
    store.mkdir("bucket")
    yield store
    store.invalidate_cache()
    store.rm("bucket", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def spark_with_s3(spark: Any, s3: object, s3_variables: dict[str, str]) -> Iterator[None]:
    """Spark's Python workers with the client's variables: the session may be older than the store."""
    del s3
    environment = spark.sparkContext.environment
    before = dict(environment)
    environment.update(s3_variables)
    yield
    environment.clear()
    environment.update(before)
