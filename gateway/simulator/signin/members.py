"""Reading what sign-in requests carry: JSON members, form fields, a browser's query."""

from collections.abc import Collection
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams

from gateway.simulator.refusals import Refusal
from gateway.simulator.rule import refused
from gateway.simulator.service import Asked, check_content_type
from gateway.simulator.strict_json import JsonObject, NotStrictJson, decode_object

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def read_json(asked: Asked, refusal: Refusal) -> JsonObject:
    """The body, which must be a JSON object and be called that.

    Raises:
        Refused: with `refusal`, unless the content type is wrong.
    """
    check_content_type(asked, JSON)
    try:
        return decode_object(asked.body)
    except NotStrictJson as exc:
        raise refused(exc.rule, exc.where, refusal) from None


def texts(
    given: JsonObject, needed: Collection[str], refusal: Refusal, optional: Collection[str] = ()
) -> dict[str, str]:
    """The members by name: all of `needed`, each a text with something in it, and nothing else.

    Raises:
        Refused: with `refusal`.
    """
    if unknown := given.keys() - {*needed, *optional}:
        raise refused("unknown-member", min(unknown), refusal)
    if missing := [name for name in needed if given.get(name) is None]:
        raise refused("missing-member", missing[0], refusal)
    for name, value in given.items():
        if not isinstance(value, str) or not value:
            raise refused("wrong-type", name, refusal)
    return {name: str(value) for name, value in given.items()}


def read_form(asked: Asked, refusal: Refusal) -> dict[str, str]:
    """The fields of a form, each at most once.

    Raises:
        Refused: with `refusal`, unless the content type is wrong.
    """
    check_content_type(asked, FORM)
    pairs = parse_qsl(asked.body.decode(errors="replace"), keep_blank_values=True)
    return _once(pairs, refusal)


def read_query(
    query: QueryParams, needed: Collection[str], optional: Collection[str], refusal: Refusal
) -> dict[str, str]:
    """The parameters by name: all of `needed`, none empty, none twice, none unknown.

    Raises:
        Refused: with `refusal`.
    """
    return check_parameters(_once(query.multi_items(), refusal), needed, optional, refusal)


def check_parameters(
    given: dict[str, str], needed: Collection[str], optional: Collection[str], refusal: Refusal
) -> dict[str, str]:
    """`given`, if it is complete and has nothing else in it.

    Raises:
        Refused: with `refusal`.
    """
    if unknown := given.keys() - {*needed, *optional}:
        raise refused("unknown-parameter", min(unknown), refusal)
    if missing := [name for name in needed if not given.get(name)]:
        raise refused("missing-parameter", missing[0], refusal)
    if empty := [name for name, value in given.items() if not value]:
        raise refused("empty-parameter", empty[0], refusal)
    return given


def _once(pairs: Collection[tuple[str, str]], refusal: Refusal) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise refused("repeated-parameter", name, refusal)
        found[name] = value
    return found
