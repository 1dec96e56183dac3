"""What the command lines of the Hive take in the same way."""

import argparse
import math


def seconds(text: str) -> float:
    """A reader of times for argparse, which says what is allowed."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number of seconds, 0 or more")
    return value
