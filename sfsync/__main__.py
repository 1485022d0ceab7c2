"""``python -m sfsync``."""

import sys

from sfsync.cli import main

sys.exit(main())
