"""Usage limits and model lists in the shapes that were seen besides the usual one."""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.simulator.refusals import Refusal
from gateway.simulator.scenario import Alter, Operation, Scenario
from gateway.simulator.strict_json import JsonObject

_USAGE: frozenset[Operation] = frozenset({"usage"})
_MODELS: frozenset[Operation] = frozenset({"models"})
_HTML = Refusal(200, b"<html><body>Welcome</body></html>", content_type="text/html")
_DATES = ("nextDateReset", "freeTrialExpiry")
_LARGE = 1024 * 1024

# Free-form JSON is what this module is about.
Answer = dict[str, Any]


def _change(edit: Callable[[Answer], None]) -> Alter:
    def alter(answer: JsonObject) -> JsonObject:
        changed = copy.deepcopy(answer)
        edit(changed)
        return changed

    return alter


def _objects(value: object) -> Iterator[Answer]:
    """Every object in an answer, outermost first."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _objects(member)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)


def _dates(write: Callable[[float], object]) -> Callable[[Answer], None]:
    def edit(answer: Answer) -> None:
        for part in _objects(answer):
            for name in _DATES:
                if name in part:
                    part[name] = write(part[name])

    return edit


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _exponent(seconds: float) -> object:
    # As the service's own serializer writes large numbers.
    return msgspec.Raw(f"{seconds / 10**9!r}E9".encode())


def _without_dates(answer: Answer) -> None:
    for part in _objects(answer):
        for name in _DATES:
            part.pop(name, None)


def _zero_integers(answer: Answer) -> None:
    for part in _objects(answer):
        if "currentUsageWithPrecision" in part:
            part["currentUsage"], part["currentUsageWithPrecision"] = 0, 0.01


def _no_precision(answer: Answer) -> None:
    for part in _objects(answer):
        for name in [name for name in part if name.endswith("WithPrecision")]:
            del part[name]


def _bare(answer: Answer) -> None:
    (breakdown,) = answer["usageBreakdownList"]
    kept = ("currentUsage", "usageLimit", "currentOverages", "overageCharges", "currency")
    only = {name: breakdown[name] for name in kept}
    answer.clear()
    answer["usageBreakdownList"] = [only]


def _nulls(answer: Answer) -> None:
    (breakdown,) = answer["usageBreakdownList"]
    for name in ("freeTrialInfo", "bonuses", "nextDateReset", "usageLimitWithPrecision"):
        breakdown[name] = None
    for name in ("subscriptionInfo", "overageConfiguration", "userInfo", "nextDateReset"):
        answer[name] = None


def _old_form(answer: Answer) -> None:
    answer["usageBreakdown"] = answer["usageBreakdownList"][0]
    answer["usageBreakdownList"] = None
    enabled = answer["overageConfiguration"]["overageStatus"] == "ENABLED"
    answer["overageConfiguration"] = {"overageEnabled": enabled}


def _other_resource_first(answer: Answer) -> None:
    credit = answer["usageBreakdownList"][0]
    other = {**credit, "resourceType": "VIBE", "currentUsage": 7, "usageLimit": 10}
    other |= {"currentUsageWithPrecision": 7.0, "usageLimitWithPrecision": 10.0}
    answer["usageBreakdownList"] = [other, credit]


def _other_resource_only(answer: Answer) -> None:
    answer["usageBreakdownList"][0]["resourceType"] = "SPEC"


def _no_breakdown(answer: Answer) -> None:
    answer["usageBreakdownList"] = []


def _zero_limit(answer: Answer) -> None:
    (breakdown,) = answer["usageBreakdownList"]
    breakdown |= {"usageLimit": 0, "usageLimitWithPrecision": 0.0, "bonuses": []}
    breakdown.pop("freeTrialInfo", None)


def _unknown_values(answer: Answer) -> None:
    answer["subscriptionInfo"] |= {
        "type": "Q_DEVELOPER_STANDALONE_GALACTIC",
        "subscriptionTitle": "KIRO GALACTIC",
        "overageCapability": "OVERAGE_MAYBE",
    }
    answer["overageConfiguration"] = {"overageStatus": "PENDING", "overageLimit": 5}
    (breakdown,) = answer["usageBreakdownList"]
    breakdown |= {"dimensionType": "NEW", "overageCredits": {"x": 1}, "addOnMetadata": []}
    for bonus in breakdown["bonuses"]:
        bonus |= {"status": "UPCOMING", "displayName": "Gift", "expiresAt": 1.9e9}
    answer["totalUsage"] = None


def _sparse(answer: Answer) -> None:
    nothing = dict.fromkeys(
        (
            "modelName",
            "description",
            "rateMultiplier",
            "rateUnit",
            "supportedInputTypes",
            "tokenLimits",
            "promptCaching",
        )
    )
    answer["models"] = [
        {"modelId": one["modelId"], **(nothing if number % 2 else {})}
        for number, one in enumerate(answer["models"])
    ]


def _doubled(answer: Answer) -> None:
    first = answer["models"][0]
    extra = [{"modelId": "  "}, {"modelId": f" {first['modelId']} "}, {"modelName": "by name"}]
    answer["models"] += [first, *extra]


def _flat_caching(answer: Answer) -> None:
    for model in answer["models"]:
        model["supportsPromptCache"] = model.pop("promptCaching")["supportsPromptCaching"]


def _large(answer: Answer) -> None:
    answer["models"][0]["description"] = "x" * _LARGE


def _no_models(answer: Answer) -> None:
    answer["models"] = []


_ODD_USAGE: tuple[tuple[str, str, Callable[[Answer], None]], ...] = (
    ("usage-zero-integers", "Integer usage 0 beside a precise one of 0.01.", _zero_integers),
    ("usage-no-precision", "Integers only.", _no_precision),
    ("usage-iso-dates", "Dates as ISO 8601 texts with milliseconds.", _dates(_iso)),
    ("usage-exponent-dates", "Dates as numbers with an exponent, 1.7960832E9.", _dates(_exponent)),
    ("usage-no-dates", "No reset date and no end of the trial.", _without_dates),
    ("usage-bare", "Nothing but what the service always tells.", _bare),
    ("usage-nulls", "Null for every part that may be missing.", _nulls),
    ("usage-old-form", "One breakdown instead of a list, overage as a truth value.", _old_form),
    ("usage-other-first", "A breakdown for another resource in front.", _other_resource_first),
    ("usage-other-only", "No breakdown for credits.", _other_resource_only),
    ("usage-no-breakdown", "An empty list of breakdowns.", _no_breakdown),
    ("usage-zero-limit", "A plan of no credits, without trial and bonuses.", _zero_limit),
    ("usage-unknown-values", "Values and members that nobody has heard of.", _unknown_values),
    ("usage-empty", "An empty object.", dict.clear),
)
_ODD_MODELS: tuple[tuple[str, str, Callable[[Answer], None]], ...] = (
    ("models-none", "An empty list.", _no_models),
    ("models-sparse", "Ids only, every second one with null for all else.", _sparse),
    ("models-doubled", "A model twice, a blank one, and one without an id.", _doubled),
    ("models-flat-caching", "The older form: supportsPromptCache.", _flat_caching),
    ("models-large", "A description of one megabyte.", _large),
)


def odd_answers() -> Iterator[Scenario]:
    """Every scenario of this kind."""
    for name, summary, edit in _ODD_USAGE:
        yield Scenario(name, summary, _USAGE, alter=_change(edit))
    yield Scenario("usage-no-json", "200 with an HTML body", _USAGE, refusal=_HTML)
    for name, summary, edit in _ODD_MODELS:
        yield Scenario(name, summary, _MODELS, alter=_change(edit))
    yield Scenario("models-no-json", "200 with an HTML body", _MODELS, refusal=_HTML)
