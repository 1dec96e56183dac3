"""Runs a subcommand of `ota` as its parser would."""

import argparse
import importlib


def run(name: str, *arguments: str) -> int:
    """The exit code; what it printed is on stdout."""
    module = importlib.import_module(f"ota.commands.{name}")
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(vars(parser.parse_args([str(each) for each in arguments])))
