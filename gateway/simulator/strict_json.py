"""JSON as a strict reader takes it: UTF-8, every key once, no NaN, no half characters."""

import json
from typing import NoReturn, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]


class NotStrictJson(ValueError):
    """The bytes are no acceptable JSON; `rule` names what they break."""

    def __init__(self, rule: str, where: str) -> None:
        super().__init__(f"{rule}: {where}")
        self.rule = rule
        self.where = where


def decode(raw: bytes) -> Json:
    """Decode a body.

    Raises:
        NotStrictJson: with the rule `json` or `duplicate-key`.
    """
    try:
        text = raw.decode()
        value: Json = json.loads(
            text, object_pairs_hook=_object_of_distinct_keys, parse_constant=_refuse_constant
        )
        if "\\ud" in text.lower():
            # A lone surrogate escape has no UTF-8 form; encoding is what finds it.
            json.dumps(value, ensure_ascii=False).encode()
    except NotStrictJson:
        raise
    except (ValueError, RecursionError) as exc:
        raise NotStrictJson("json", str(exc)[:200]) from None
    return value


def decode_object(raw: bytes) -> JsonObject:
    """Decode a body that must be an object.

    Raises:
        NotStrictJson: it is not acceptable JSON, or something else than an object.
    """
    value = decode(raw)
    if not isinstance(value, dict):
        raise NotStrictJson("json", "the body is no object")
    return value


def _object_of_distinct_keys(pairs: list[tuple[str, Json]]) -> JsonObject:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise NotStrictJson("duplicate-key", twice)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise NotStrictJson("json", f"{name} is no JSON")
