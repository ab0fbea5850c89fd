"""Hosts of a region, which are paths here: `/eu-west-1/token` is asked of that region's host."""

import re

from starlette.types import Scope

REGION = "simulator.region"
"""Where the region is kept in the scope of a request."""

API_REGIONS = frozenset({"us-east-1", "eu-central-1"})
"""The regions that generate, list models and know quotas and profiles."""

SOCIAL_REGIONS = frozenset({"us-east-1"})
"""The region of the sign-in service for Google and GitHub."""

_FIRST_PART = re.compile(r"/([a-z]{2}(?:-gov)?-[a-z]+-\d+)(?=/|$)")


def with_region(scope: Scope) -> Scope:
    """The scope with the region of its path, which then no longer plays a part in routing."""
    match = _FIRST_PART.match(scope.get("path", ""))
    if match is None:
        return scope
    return {**scope, "root_path": match[0], REGION: match[1]}
