"""`python -m geovq`."""

import sys

from geovq.cli import main
from geovq.threads import yield_while_waiting

yield_while_waiting()
sys.exit(main())
