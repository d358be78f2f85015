"""``python -m bertoscope``: the command ``bertoscope``."""

import sys

from bertoscope_cli.dashboard import main

if __name__ == "__main__":
    sys.exit(main())
