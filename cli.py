"""Starts sfsync in a checkout: ``python cli.py sync``."""

import sys

from sfsync.cli import main

if __name__ == "__main__":
    sys.exit(main())
