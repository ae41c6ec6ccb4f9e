"""``python -m deepgray`` is ``deepgray``."""

import sys

from deepgray.cli import main

if __name__ == "__main__":
    sys.exit(main())
