"""A way to a server that can be cut off, as a network can."""

import socket
import threading


class Proxy:
    """Forwards to host:port. `cut` ends every connection, at once or after so many bytes more."""

    def __init__(self, target: str) -> None:
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._left: int | None = None
        self._lock = threading.Lock()
        self.cuts = 0
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, sent: int) -> None:
        with self._lock:
            self._left = sent

    def go_away(self, seconds: float) -> None:
        """Refuses connections for a while, as a server that is started anew."""
        port = self._listener.getsockname()[1]
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

        def come_back() -> None:
            self._listener = socket.create_server(("127.0.0.1", port))
            self._accept()

        back = threading.Timer(seconds, come_back)
        back.daemon = True
        back.start()

    def cut(self) -> None:
        with self._lock:
            self.cuts += 1
            for one in self._open:
                # Not closed: who reads from it sees its end, and closes it.
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            with self._lock:
                self._open |= {near, far}
            for source, sink, counts in ((near, far, True), (far, near, False)):
                threading.Thread(
                    target=self._pump, args=(source, sink, counts), daemon=True
                ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
                if counts and self._spent(len(data)):
                    self.cut()
        except OSError:
            pass
        finally:
            for one in (source, sink):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _spent(self, sent: int) -> bool:
        with self._lock:
            if self._left is None:
                return False
            self._left -= sent
            if self._left > 0:
                return False
            self._left = None
            return True
