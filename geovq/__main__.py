"""`python -m geovq`."""

import sys

from geovq.cli import main

sys.exit(main())
