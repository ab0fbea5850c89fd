"""The simulator's rules in process, and bodies built for the models that it offers."""

from dataclasses import replace

import msgspec

from gateway.conversation import Conversation
from gateway.kiro.payload import BuildOptions, KiroRequest, build_request, conversation_id_of
from gateway.simulator.catalogue import models_of
from gateway.simulator.rule import Caller, Refused
from gateway.simulator.rules import examine
from gateway.simulator.signatures import ReasoningSigner

SIGNER = ReasoningSigner(seed=1)
CALLER = Caller(models_of("pro"), profile_arns=frozenset(), needs_profile=False, signer=SIGNER)
CONVERSATION_ID = "c0ffee00-0000-4000-8000-000000000001"
MODELS = ("claude-sonnet-4.5", "claude-opus-4.6", "gpt-5.6-sol")
"""One that is asked to think by tags, and two that take fields of their own for it."""


class TrustingSigner(ReasoningSigner):
    """Takes any signature: who has no key cannot check one."""

    def is_ours(self, text: str, signature: str) -> bool:
        return True

    def is_sealed_here(self, sealed: str) -> bool:
        return True


# What nobody but the service can know of an account and its models breaks no rule for this one.
TRUSTING = replace(
    CALLER,
    models={
        model_id: replace(model, window=10**9, fields_schema={"type": "object"})
        for model_id, model in CALLER.models.items()
    },
    profile_arns=frozenset({"arn:x"}),
    signer=TrustingSigner(seed=1),
)
STRICT = replace(TRUSTING, signer=SIGNER)


def refused_for(raw: bytes, caller: Caller = CALLER) -> set[str]:
    """The rules of the simulator that a body breaks; none when it takes the body."""
    try:
        examine(raw, caller)
    except Refused as refused:
        return {breach.rule for breach in refused.breaches}
    return set()


def built(conversation: Conversation, model_id: str) -> KiroRequest:
    """The request as the relay builds it for this model."""
    schema = CALLER.models[model_id].fields_schema
    options = BuildOptions(
        conversation_id_of(conversation, None) or CONVERSATION_ID,
        fields_schema=msgspec.json.encode(schema) if schema else None,
    )
    return build_request(conversation, model_id, options)
