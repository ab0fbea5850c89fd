"""Finding out what keeps a gateway from working, and how to mend it."""
