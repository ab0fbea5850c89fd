"""What the admin API remembers in this process."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.upstream.signin.local_import import known_places
from gateway.web.admin.attempts import Attempts


def _usual_places() -> list[Path]:
    return known_places({}, Path.home(), sys.platform)


@dataclass(slots=True)
class AdminState:
    """Nothing here is needed by another process.

    Attributes:
        attempts: wrong admin keys, by peer.
        local_places: the files that a sign-in may be imported from. Whoever knows the environment
            can tell more exactly.
        tails: how many follow the request log just now.
        tail_interval: seconds between two looks for them.
        tail_recheck: seconds after which who has signed out hears no more.
        setting_origins: where each setting came from, by dotted name, as far as that is known.
        releases_url: where updates are looked for; None: at the usual place.
    """

    attempts: Attempts = field(default_factory=Attempts)
    local_places: Sequence[Path] = field(default_factory=_usual_places)
    tails: int = 0
    tail_interval: float = 1.0
    tail_recheck: float = 60.0
    setting_origins: dict[str, str] = field(default_factory=dict)
    releases_url: str | None = None
