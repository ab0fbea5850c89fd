"""Which models an API key may use."""

from collections.abc import Collection

from gateway.kiro.model_names import resolve
from gateway.store.api_keys import ApiKey


def may_use(api_key: ApiKey, name: str, catalogue: Collection[str]) -> bool:
    """Whether a key may use a model by this name; `catalogue` are the ids that an account has."""
    if not api_key.limits.allowed_models:
        return True
    return resolve(name, catalogue).id in allowed_models(api_key, catalogue)


def allowed_models(api_key: ApiKey, catalogue: Collection[str]) -> frozenset[str]:
    """The ids of a key's list of models; empty where it has none and may use all."""
    return frozenset(resolve(name, catalogue).id for name in api_key.limits.allowed_models)
