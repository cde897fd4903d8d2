"""An object store on loopback: moto's server, which the real S3 client takes for Amazon's."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serve_s3() -> Iterator[dict[str, str]]:
    """Serve an empty store until the block ends; gives the variables by which the client finds it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "of a test",
            "AWS_SECRET_ACCESS_KEY": "of a test",
            "AWS_DEFAULT_REGION": "us-east-1",
            # Nobody answers there, and the client would wait.
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.stop()
