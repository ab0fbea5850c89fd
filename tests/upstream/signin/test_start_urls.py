import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.upstream.signin.device_code import check_start_url


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://example-org.awsapps.com/start/#/?tab=accounts", None),
        ("https://example-org.awsapps.com/start", None),
        (" https://example-org.awsapps.com/start/ ", None),
        ("https://example-org.awsapps.com/start?a=b", None),
        (
            "https://identitycenter.amazonaws.com/ssoins-1234567890abcdef",
            "https://identitycenter.amazonaws.com/ssoins-1234567890abcdef",
        ),
    ],
)
def test_a_start_url_loses_what_is_pasted_along(written: str, meant: str | None) -> None:
    assert check_start_url(written) == (meant or "https://example-org.awsapps.com/start")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "example-org.awsapps.com/start",
        "http://example-org.awsapps.com/start",
        "HTTPS//example",
        "https://",
        "https:///start",
        "https://me:secret@example-org.awsapps.com/start",
        "https://example-org.awsapps.com:8443/start",
        "https://example-org.awsapps.com:port/start",
        "https://localhost/start",
        "https://sub.localhost/start",
        "https://127.0.0.1/start",
        "https://127.1/start",
        "https://2130706433/start",
        "https://10.0.0.1/start",
        "https://169.254.169.254/start",
        "https://[::1]/start",
        "https://intranet/start",
        "https://exämple.com/start",
        "https://example.com/a b",
        "https://example.com\\@evil.example/start",
        'https://example.com/"><script>',
        "javascript://example.com/start",
        "https://example.com/" + "a" * 600,
    ],
)
def test_what_is_none_is_refused(written: str) -> None:
    with pytest.raises(InvalidRequest, match="A start URL looks like"):
        check_start_url(written)


@given(st.text(max_size=100))
def test_what_is_accepted_stays_as_it_is(text: str) -> None:
    for written in (text, f"https://{text}"):
        try:
            plain = check_start_url(written)
        except InvalidRequest:
            continue
        assert check_start_url(plain) == plain
        assert plain.startswith("https://")
