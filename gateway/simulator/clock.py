"""What time it is: the clock on the wall, set ahead as far as a test wants it."""

from collections.abc import Callable


class Clock:
    """Seconds since 1970. Tests move it forward instead of waiting."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._ahead = 0.0

    def __call__(self) -> float:
        """The time now."""
        return self._wall() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._ahead += seconds

    def reset(self) -> None:
        """Back to the wall's time."""
        self._ahead = 0.0
