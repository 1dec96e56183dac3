"""A TCP relay that can be told to misbehave: what stands between a process and its Redis."""

import contextlib
import socket
import struct
import threading
import time

CHUNK = 65536
NO_LINGER = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on `port` of this machine and relays to another port of it, until `close`."""

    def __init__(self, target_port: int) -> None:
        self._target = ("127.0.0.1", target_port)
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self._closed = False
        self._marker, self._to_swallow = b"", 0
        #: Seconds that every reply is held back.
        self.delay = 0.0
        #: How many replies were swallowed.
        self.swallowed = 0
        self.port = 0
        self._listen()

    def cut(self) -> None:
        """Reset every connection, in both directions. New ones are welcome."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()

    def refuse(self) -> None:
        """Reset every connection and accept no new ones, until `heal`."""
        self._listener.close()
        self.cut()

    def black_hole(self) -> None:
        """Let bytes and farewells vanish on the way while all sockets stay open, until `heal`."""
        self._flows.clear()

    def heal(self) -> None:
        """Work as a relay again."""
        self._flows.set()
        if self._listener.fileno() < 0:
            self._listen()

    def swallow_replies(self, marker: bytes, times: int) -> None:
        """Deliver the next requests that hold `marker`, but reset instead of replying to them."""
        self._marker, self._to_swallow = marker, times

    def close(self) -> None:
        """End it, and every connection."""
        self._closed = True
        self._listener.close()
        self.cut()
        self._flows.set()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed by `refuse` or `close`
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        self._flows.wait()
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        pair = _Pair(client, server)
        with self._lock:
            self._pairs.add(pair)
        if self._closed:
            pair.reset()
        threading.Thread(target=self._pump_replies, args=(pair,), daemon=True).start()
        with pair, contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                self._flows.wait()
                self._look_for_marker(pair, data)
                server.sendall(data)
            self._flows.wait()
        with self._lock:
            self._pairs.discard(pair)

    def _pump_replies(self, pair: "_Pair") -> None:
        with pair, contextlib.suppress(OSError):
            while data := pair.server.recv(CHUNK):
                self._flows.wait()
                if self.delay:
                    time.sleep(self.delay)
                if pair.mute:
                    self.swallowed += 1
                    pair.reset()
                    return
                pair.client.sendall(data)
            self._flows.wait()

    def _look_for_marker(self, pair: "_Pair", data: bytes) -> None:
        if self._to_swallow and self._marker in data:
            self._to_swallow -= 1
            pair.mute = True


class _Pair:
    """One relayed connection."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.mute = False

    def __enter__(self) -> "_Pair":
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown() wakes the other thread, which sits in recv(); close() alone would not.
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def reset(self) -> None:
        """End both sides at once, with RST where the kernel allows it."""
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.__exit__()
