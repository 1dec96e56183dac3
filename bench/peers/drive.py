"""`python -m bench.peers.drive MODULE`: a program that uses a peer, driven by lines of JSON.

    {"run": "noop", "items": [1, 2]}     -> {"seconds": 0.01, "results": [1, 2]}
    {"trips": "noop", "items": [1, 2]}   -> {"trips": [[begun, accepted, took, result], …]}

What fails is answered by `{"error": "…"}`. It ends with its standard input.
"""

import json
import os
import sys
from dataclasses import astuple
from importlib import import_module
from typing import Any, TextIO

from bench.timing import Client, time_map, time_trips


def answer(client: Client, request: dict[str, Any]) -> dict[str, Any]:
    """What comes of a request. Raises whatever the peer raises."""
    if "trips" in request:
        trips = time_trips(client, request["trips"], request["items"])
        return {"trips": [astuple(trip) for trip in trips]}
    seconds, results = time_map(client, request["run"], request["items"])
    return {"seconds": seconds, "results": results}


def serve(client: Client, asked: TextIO, told: TextIO) -> None:
    """Answer line after line, to the end of what is asked."""
    for line in asked:
        try:
            said = answer(client, json.loads(line))
        except Exception as fact:  # whatever a peer may raise, the run goes on without it
            said = {"error": f"{type(fact).__name__}: {fact}"}
        told.write(json.dumps(said) + "\n")
        told.flush()


def main(argv: list[str]) -> None:
    """Serve on standard input and output, of which nothing else may write to the latter."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(import_module(f"bench.peers.{argv[0]}").Client(), sys.stdin, told)


if __name__ == "__main__":
    main(sys.argv[1:])
