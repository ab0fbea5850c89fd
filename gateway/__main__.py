"""`python -m gateway`."""

import sys

from gateway.cli.__main__ import main

sys.exit(main())
