class Pauses(list[float]):
    """Waits that are written down instead of waited; those of no time are not even that."""

    async def __call__(self, seconds: float) -> None:
        if seconds > 0:
            self.append(seconds)
