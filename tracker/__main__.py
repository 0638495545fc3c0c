"""`python -m tracker`, for where no folder of scripts is on the path."""

import sys

from tracker.cli.main import main

sys.exit(main())
