"""Where the binary begins."""

import sys

from gateway.cli.frozen import prepare

prepare()

from gateway.cli.__main__ import main  # noqa: E402  # a signal that comes first must find us ready

sys.exit(main())
