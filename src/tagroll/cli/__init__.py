"""The command line: it parses, calls a use case and prints outcomes. One file a command."""

from tagroll.cli.app import main

__all__ = ["main"]
