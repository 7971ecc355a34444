"""A proxy in front of Azurite that cuts every connection while a file exists: an outage without a loss of data."""

import asyncio
import contextlib
import functools
from pathlib import Path

LOOK_SECONDS = 0.02


class Proxy:
    """Ports of our own, each in front of one of storage's."""

    def __init__(self, cut: Path):
        self._cut = cut
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, ports: list[int], report: Path) -> None:
        """Listen, write our ports into `report`, and cut whenever the file says so."""
        handlers = [functools.partial(self._join, port) for port in ports]
        servers = [await asyncio.start_server(handler, "127.0.0.1", 0) for handler in handlers]
        report.with_suffix(".new").write_text(" ".join(str(s.sockets[0].getsockname()[1]) for s in servers))
        report.with_suffix(".new").rename(report)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._cut.exists():
                for writer in list(self._writers):
                    writer.transport.abort()

    async def _join(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut.exists():
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", port)
        self._writers |= {writer, back}
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
        self._writers -= {writer, back}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


def run(ports: list[int], report: Path, cut: Path) -> None:
    """Be a proxy until killed; the body of a process."""
    asyncio.run(Proxy(cut).serve(ports, report))
