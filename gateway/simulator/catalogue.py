"""The models on offer, and what each subscription sees of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from gateway.simulator.accounts import Subscription
from gateway.simulator.paging import Page
from gateway.simulator.strict_json import JsonObject

_CLAUDE_EFFORT: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "thinking": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "type": {"type": "string", "enum": ["adaptive", "disabled"]},
                "display": {"type": "string", "enum": ["summarized", "omitted"]},
            },
            "required": ["type"],
        },
        "output_config": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "effort": {"type": "string", "enum": ["low", "medium", "high", "max"]},
            },
        },
    },
}
_GPT_EFFORT: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "reasoning": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "effort": {
                    "type": "string",
                    "enum": ["none", "low", "medium", "high", "xhigh", "max"],
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the model list.

    Attributes:
        rate: credits factor.
        window: tokens of input, `tokenLimits.maxInputTokens`.
        cache_points: how many cache points a request may set; None: no prompt caching.
        fields_schema: what `additionalModelRequestFields` may hold; None: the model takes none.
        reads_images: whether `IMAGE` is among its input types.
    """

    model_id: str
    name: str
    rate: float
    window: int = 200_000
    longest_answer: int | None = 64_000
    cache_points: int | None = 4
    fields_schema: JsonObject | None = field(default=None, hash=False)
    reads_images: bool = True
    free: bool = True

    def as_json(self) -> JsonObject:
        """The entry as ListAvailableModels gives it."""
        entry: JsonObject = {
            "modelId": self.model_id,
            "modelName": self.name,
            "description": f"Simulated {self.name}",
            "rateMultiplier": self.rate,
            "rateUnit": "Credit",
            "supportedInputTypes": ["TEXT", "IMAGE"] if self.reads_images else ["TEXT"],
            "tokenLimits": {
                "maxInputTokens": self.window,
                "maxOutputTokens": self.longest_answer,
            },
            "promptCaching": {
                "supportsPromptCaching": self.cache_points is not None,
                "minimumTokensPerCacheCheckpoint": 1024 if self.cache_points else None,
                "maximumCacheCheckpointsPerRequest": self.cache_points,
            },
        }
        if self.fields_schema is not None:
            entry["additionalModelRequestFieldsSchema"] = self.fields_schema
        return entry


DEFAULT_MODEL = "auto"
MODELS = (
    Model("auto", "Auto", 1.0),
    Model("claude-opus-4.6", "Claude Opus 4.6", 2.2, 1_000_000, 128_000, 4, _CLAUDE_EFFORT,
          free=False),
    Model("claude-opus-4.5", "Claude Opus 4.5", 2.2, free=False),
    Model("claude-sonnet-4.5", "Claude Sonnet 4.5", 1.3),
    Model("claude-sonnet-4", "Claude Sonnet 4", 1.3),
    Model("claude-haiku-4.5", "Claude Haiku 4.5", 0.4),
    Model("claude-3.7-sonnet", "Claude 3.7 Sonnet", 1.0),
    Model("gpt-5.6-sol", "GPT-5.6 Sol", 1.6, 272_000, 128_000, None, _GPT_EFFORT, free=False),
    Model("deepseek-3.2", "DeepSeek 3.2", 0.25, 128_000, 64_000, None, reads_images=False),
    Model("qwen3-coder-next", "Qwen3 Coder Next", 0.05, 256_000, None, None, reads_images=False),
)  # fmt: skip


@cache
def models_of(subscription: Subscription) -> Mapping[str, Model]:
    """The models of a subscription by id, in the order of the list."""
    paid = subscription != "free"
    return {model.model_id: model for model in MODELS if paid or model.free}


def list_models(page: Page[Model]) -> JsonObject:
    """The answer of ListAvailableModels."""
    return {
        "defaultModel": {"modelId": DEFAULT_MODEL},
        "models": [model.as_json() for model in page.items],
        "nextToken": page.next_token,
    }
