"""Runs `juicefs sync` of the environment that the script runs in."""

import os
import subprocess
import sys

PROGRAM = os.path.join(os.path.dirname(sys.executable), "juicefs")


def sync(*arguments):
    """The process once it has ended; what it counts is on stderr."""
    # A port of its own for metrics, which it opens even where nobody asks for them.
    command = [PROGRAM, "sync", "--no-https", "--metrics", "127.0.0.1:0", *arguments]
    return subprocess.run(command, capture_output=True, text=True)
