"""Telling others that a job ended: signed, repeated until it arrives, never to our own network."""
