"""An object store on loopback: moto's server, which the real S3 client takes for Amazon's."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from opengenome_assets_tests.services import free_port


class S3Server:
    """A store that keeps its objects while it cannot be reached."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        self._port = free_port()
        self._server = ThreadedMotoServer("127.0.0.1", port=self._port, verbose=False)

    def come(self) -> None:
        """Take connections."""
        self._server.start()

    def go(self) -> None:
        """Refuse connections."""
        listening = self._server._server
        self._server.stop()
        if listening is not None:
            listening.server_close()

    def empty(self) -> None:
        """Forget all buckets: moto keeps them for as long as the process lives, whichever server made them."""
        reset = urllib.request.Request(f"{self.variables['AWS_ENDPOINT_URL']}/moto-api/reset", method="POST")  # noqa: S310 (as below)
        with urllib.request.urlopen(reset, timeout=60):  # noqa: S310 (moto's, on the loopback)
            pass

    @property
    def variables(self) -> dict[str, str]:
        """By which the client finds it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "AWS_ACCESS_KEY_ID": "of a test",
            "AWS_SECRET_ACCESS_KEY": "of a test",
            "AWS_DEFAULT_REGION": "us-east-1",
            # No server answers there, and the client would wait.
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def serve_s3() -> Iterator[dict[str, str]]:
    """Serve an empty store until the block ends; gives the variables by which the client finds it."""
    server = S3Server()
    server.come()
    server.empty()
    try:
        yield server.variables
    finally:
        server.go()
