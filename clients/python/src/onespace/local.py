"""A server of one's own, from the binary, for as long as it is needed."""

from __future__ import annotations

import asyncio
import collections
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO

from onespace.errors import UNREACHABLE, UnavailableError

DEFAULT_BUNDLE = "bundles/everyday"

STOP_SECONDS = 30.0
"""How long a server may finish what it is doing before it is killed."""

TAIL = 40
"""Lines of its log that are told where it does not start."""

# A server that is started here is configured here; how models run is the machine's affair.
_KEPT = {f"ONESPACE_{name}" for name in ("ONNXRUNTIME", "THREADS", "DECODERS", "LOG", "LOG_JSON")}


class LocalServer:
    """`onespace up` on free ports of this machine.

    - `bundle`: the folder of the space; relative to the working directory.
    - `data`: where vectors are kept; None: in a temporary folder that goes with the server.
    - `binary`: None: `ONESPACE_BINARY`, or the program `onespace` on the PATH.
    - `transcriber`: the folder of what writes down speech; None: nothing does.

    Starting raises `UnavailableError` with the end of the server's log, FileNotFoundError where
    there is no program.
    """

    def __init__(
        self,
        bundle: str | os.PathLike[str] = DEFAULT_BUNDLE,
        data: str | os.PathLike[str] | None = None,
        *,
        binary: str | os.PathLike[str] | None = None,
        transcriber: str | os.PathLike[str] | None = None,
    ) -> None:
        self._bundle = Path(bundle).expanduser()
        self._data = None if data is None else Path(data).expanduser()
        self._binary = binary
        self._transcriber = transcriber
        self._process: subprocess.Popen[str] | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._log: collections.deque[str] = collections.deque(maxlen=TAIL)
        self._readers: list[threading.Thread] = []
        self.endpoint = ""

    def __enter__(self) -> LocalServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it, and waits until every tower has proven itself."""
        binary = _find(self._binary)
        if self._data is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="onespace-")
            self._data = Path(self._temporary.name)
        command = [binary, "up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        command += ["--bundle", str(self._bundle), "--data", str(self._data)]
        if self._transcriber is not None:
            command += ["--transcriber", str(self._transcriber)]
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ONESPACE_") or name in _KEPT
        }
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
        )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Lets it finish what it is doing, and ends it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for reader in self._readers:
                reader.join()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary, self._data = None, None

    async def start_async(self) -> None:
        """As `start`, beside what else the event loop does."""
        await asyncio.to_thread(self.start)

    async def stop_async(self) -> None:
        """As `stop`, beside what else the event loop does."""
        await asyncio.to_thread(self.stop)

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._read(process.stderr)
        for line in process.stdout:
            self._log.append(line)
            if line.startswith("listening grpc="):
                self.endpoint = line.split()[1].removeprefix("grpc=")
            if line.startswith("ready "):
                self._read(process.stdout)
                return
        process.wait()
        for reader in self._readers:
            reader.join()
        said = "".join(self._log).strip()
        message = f"the server ended with {process.returncode}: {said}"
        raise UnavailableError(UNREACHABLE, message)

    def _read(self, stream: IO[str]) -> None:
        """Reads to the end, so that the server never waits for a reader."""

        def read() -> None:
            for line in stream:
                self._log.append(line)

        reader = threading.Thread(target=read, name="onespace-log", daemon=True)
        reader.start()
        self._readers.append(reader)


def _find(binary: str | os.PathLike[str] | None) -> str:
    named = str(binary or os.environ.get("ONESPACE_BINARY") or "onespace")
    found = shutil.which(named)
    if found is None:
        raise FileNotFoundError(
            f"{named} is no program: put onespace on the PATH, or name it by ONESPACE_BINARY"
        )
    return found
