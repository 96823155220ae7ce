"""``python -m faults``."""

import sys

from faults.run import main

if __name__ == "__main__":
    sys.exit(main())
