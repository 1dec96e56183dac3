"""`python -m bench.readers COUNT PORT KEY JOB`: so many who follow a job and do nothing else.

Says "ready" once all of them are told something, and ends with the last stream.
"""

import selectors
import socket
import sys

from bench.nexus import HOST, Nexus

CHUNK_BYTES = 1024 * 1024


def read_all(nexus: Nexus, job: str, count: int) -> int:
    """Follow a job so many times, to its end; how many bytes that was."""
    watch, silent, total = selectors.DefaultSelector(), count, 0
    for _ in range(count):
        stream = socket.create_connection((HOST, nexus.port))
        stream.sendall(nexus.request(f"jobs/{job}/events/"))
        watch.register(stream, selectors.EVENT_READ, data=[True])
    room = bytearray(CHUNK_BYTES)
    while watch.get_map():
        for key, _ in watch.select():
            size = key.fileobj.recv_into(room)  # type: ignore[union-attr]
            total += size
            if key.data and key.data.pop() and (silent := silent - 1) == 0:
                print("ready", flush=True)
            if not size or room[:size].endswith(b"0\r\n\r\n"):
                watch.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
    return total


if __name__ == "__main__":
    count, port, key, job = sys.argv[1:]
    print(read_all(Nexus(int(port), key), job, int(count)), flush=True)
