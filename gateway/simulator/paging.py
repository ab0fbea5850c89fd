"""Lists in pages."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")

PAGED = "short-pages"
REPEATING = "repeated-page-token"


class Page(NamedTuple, Generic[Item]):
    """Some items, and the token for the next ones; None: there are no more."""

    items: Sequence[Item]
    next_token: str | None


def page_of(
    items: Sequence[Item], size: int | None, token: str | None, scenario: str = ""
) -> Page[Item] | None:
    """One page of a list; None when the token was never given out.

    Args:
        items: the whole list.
        size: how many at most; None: all that are left.
        token: what the page before gave.
        scenario: `PAGED` makes pages of two at most; with `REPEATING` the first page comes again
            and again, with one and the same token.
    """
    if scenario == REPEATING:
        return Page(items[:2], "page-again")
    if scenario == PAGED:
        size = min(size or 2, 2)
    start = 0
    if token is not None:
        prefix, _, offset = token.partition("-")
        if prefix != "page" or not offset.isdecimal() or not 0 < int(offset) < len(items):
            return None
        start = int(offset)
    end = len(items) if size is None else start + size
    return Page(items[start:end], f"page-{end}" if end < len(items) else None)
