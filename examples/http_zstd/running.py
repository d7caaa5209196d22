"""The server, while a `with` lasts: for its test and for its measurement."""

from __future__ import annotations

import http.client
import pathlib
import re
import subprocess
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Server:
    """A process of its own, on a port that was free. At the end it is told to stop, and must do so."""

    def __init__(self, program: pathlib.Path, directory: pathlib.Path, *options: str) -> None:
        self.process = subprocess.Popen([program, *options, directory], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        address = re.fullmatch(r"http://127\.0\.0\.1:(\d+)\n", self.process.stdout.readline())
        if not address:
            self.process.kill()
            raise RuntimeError(f"{program} has not begun to listen")
        self.port = int(address.group(1))

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.terminate()
        try:
            if self.process.wait(timeout=60) != 0:
                raise RuntimeError(f"the server has ended with {self.process.returncode}")
        finally:
            self.process.kill()

    def get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        """One request on a connection of its own, as a client that comes now and then makes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Accept-Encoding": "zstd", "Connection": "close"})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def metrics_text(self) -> str:
        return self.get("/metrics")[1].decode()

    def metrics(self) -> dict[str, float]:
        """Each sample of /metrics, by its name with its labels."""
        lines = self.metrics_text().splitlines()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}
