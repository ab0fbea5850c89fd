"""`POST /mcp`: web search as a JSON-RPC call."""

import json
import re
from urllib.parse import quote

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.refusals import PROFILE_INVALID, PROFILE_NEEDED
from gateway.simulator.rule import refused
from gateway.simulator.strict_json import JsonObject, NotStrictJson, decode_object

_ID = re.compile(r"web_search_tooluse_[A-Za-z0-9]{22}_\d{13}_[a-z0-9]{8}")
_MEMBERS = {"id", "jsonrpc", "method", "params", "profileArn"}
NOTHING_FOUND = "xyzzy"
"""A query with this word finds nothing."""


def read_search(raw: bytes, account: DemoAccount, arns: frozenset[str]) -> tuple[str, str]:
    """The call's id and query; `arns` are the profiles that the account may name.

    Raises:
        Refused: the call is not as it has to be.
    """
    try:
        call = decode_object(raw)
    except NotStrictJson as exc:
        raise refused(exc.rule, exc.where) from None
    arn = call.get("profileArn")
    if arn is not None and arn not in arns:
        raise refused("profile-matches", "profileArn", PROFILE_INVALID)
    if arn is None and account.needs_profile:
        raise refused("profile-needed", "profileArn", PROFILE_NEEDED)
    if unknown := call.keys() - _MEMBERS:
        raise refused("unknown-root-member", min(unknown))
    identity = call.get("id")
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise refused("search-id-form", "id")
    if call.get("jsonrpc") != "2.0" or call.get("method") != "tools/call":
        raise refused("search-method", "method")
    params = call.get("params")
    if not isinstance(params, dict) or params.get("name") != "web_search":
        raise refused("search-tool", "params.name")
    arguments = params.get("arguments")
    query = arguments.get("query") if isinstance(arguments, dict) else None
    if not isinstance(query, str) or not query.strip():
        raise refused("search-query", "params.arguments.query")
    return identity, query


def search_answer(identity: str, query: str, now: float) -> JsonObject:
    """Two made-up results, or the error that stands for none. `now` is in seconds since 1970."""
    if NOTHING_FOUND in query:
        error: JsonObject = {"code": -32602, "message": f"No results found for query: {query}"}
        return {"id": identity, "jsonrpc": "2.0", "error": error, "result": None}
    results = [
        {
            "title": f"{query}: result {number}",
            "url": f"https://example.org/{quote(query, safe='')}/{number}",
            "snippet": f"What the simulator knows of {query}, part {number}.",
            "publishedDate": int(now * 1000) - number * 86_400_000,
            "id": f"r{number}",
            "domain": "example.org",
            "maxVerbatimWordLimit": 30,
            "publicDomain": False,
        }
        for number in (1, 2)
    ]
    text = json.dumps({"results": results, "totalResults": len(results), "query": query})
    result: JsonObject = {"isError": False, "content": [{"type": "text", "text": text}]}
    return {"id": identity, "jsonrpc": "2.0", "error": None, "result": result}
