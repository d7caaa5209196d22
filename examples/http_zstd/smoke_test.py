#!/usr/bin/env python3
"""The server starts, answers with what zstd can decompress, tells of its pool, and stops."""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import pathlib
import shutil
import subprocess

from running import ROOT, Server


def decompressed(compressed: bytes, size: int) -> bytes:
    """By libzstd, which the server links, too."""
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    plain = ctypes.create_string_buffer(size)
    got = zstd.ZSTD_decompress(plain, ctypes.c_size_t(size), compressed, ctypes.c_size_t(len(compressed)))
    return plain.raw[:got] if got <= size else b""


def check_by_promtool(metrics: str) -> None:
    """Prometheus's own opinion, where its tool is installed."""
    if shutil.which("promtool") is None:
        print("no promtool here: what Prometheus takes was not checked")
        return
    told = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, type=pathlib.Path)
    parser.add_argument("--contexts", default="pool")
    options = parser.parse_args()
    pooled = options.contexts == "pool"
    file = ROOT / "docs" / "design.md"
    with Server(options.server, file.parent, "--threads", "4", "--contexts", options.contexts) as server:
        # One after the other: each thread of four may come to serve one of these.
        for _ in range(16):
            response, body = server.get(f"/files/{file.name}")
            assert response.status == 200, response.status
            assert response.headers["Content-Encoding"] == "zstd", response.headers
            assert len(body) < file.stat().st_size / 2, len(body)
            assert decompressed(body, file.stat().st_size) == file.read_bytes()
        assert server.get("/files/..%2fREADME.md")[0].status == 404
        assert server.get("/files/none")[0].status == 404

        check_by_promtool(server.metrics_text())
        metrics = server.metrics()
        assert metrics["http_zstd_contexts"] >= 1, metrics
        if pooled:
            # One request at a time needs one context. (A get may miss while a thread that is
            # stopped in the midst of its return has one in its hands.)
            assert metrics["http_zstd_contexts"] <= 4, metrics
            assert metrics['poolproof_pool_retained{pool="zstd"}'] >= 1, metrics
            assert metrics['poolproof_pool_bytes{pool="zstd"}'] > 100_000, metrics
        else:
            assert 'poolproof_pool_retained{pool="zstd"}' not in metrics, metrics
    print(f"http_zstd: {metrics['http_zstd_contexts']:.0f} contexts for 16 requests")


if __name__ == "__main__":
    main()
