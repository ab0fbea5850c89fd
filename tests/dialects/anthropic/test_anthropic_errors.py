from gateway.dialects.anthropic.errors import error_body
from gateway.events import ErrorShape


def test_an_error_body_is_byte_for_byte_this() -> None:
    shape = ErrorShape("rate_limit_error", "Slow down.", source="account")
    assert error_body(shape, "req_1") == (
        b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down.",'
        b'"source":"account"},"request_id":"req_1"}'
    )


def test_an_error_has_a_code_where_one_is_known() -> None:
    shape = ErrorShape(
        "invalid_request_error", "prompt is too long", "context_length_exceeded", "client"
    )
    assert error_body(shape, "req_1") == (
        b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long",'
        b'"source":"client","code":"context_length_exceeded"},"request_id":"req_1"}'
    )
