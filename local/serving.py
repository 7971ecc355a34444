"""Serve an ASGI application on loopback from a thread, with or without TLS."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

STOP_SECONDS = 1  # clients keep their connections alive for minutes; a stop does not wait for them
ABORT_SECONDS = 0.05
KEEP_ALIVE_SECONDS = 86_400  # a TLS connection that we closed first would wait for a goodbye, see `_serve`
START_SECONDS = 20  # a loaded two-core machine needs about one; more than this is a hang


@contextlib.contextmanager
def serve(app: Any, *, port: int = 0, certificate: Path | None = None) -> Iterator[str]:
    """Serve `app` on 127.0.0.1 while the block runs, and yield its base URL without a trailing slash.

    Port 0 takes a free one. `certificate` is a PEM file with key and chain; with it the scheme is https.
    Raises `OSError` where the port is taken, `RuntimeError` where the server does not come up.
    """
    # proto must not be 0: asyncio then skips TCP_NODELAY and each request takes 40 ms instead of 2.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        ssl_certfile=certificate,
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, listener)), daemon=True)
    thread.start()
    _wait_until_started(server, thread)
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    await server.serve(sockets=[listener])
    for connection in server.server_state.connections:
        # An idle TLS client never answers the goodbye, for which asyncio would wait half a minute.
        connection.transport.abort()
    await asyncio.sleep(ABORT_SECONDS)  # the loop closes what was aborted, in a few rounds


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the loopback server did not start within {START_SECONDS} s")
        time.sleep(0.01)
