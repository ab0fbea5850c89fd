"""What a browser brings back, and what a person pastes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.signin.callback import Callback, CallbackRefused, read_address, read_query

SOCIAL = "http://localhost:3128/oauth/callback?login_option=github&code=c0de&state=st4te"


def test_an_address_of_the_sign_in_page_is_taken_apart() -> None:
    assert read_address(SOCIAL) == Callback(
        external=False,
        path="/oauth/callback",
        state="st4te",
        code="c0de",
        login_option="github",
    )


def test_an_organisations_address_brings_start_url_and_region() -> None:
    callback = read_address(
        "http://localhost:3128/signin/callback?login_option=awsidc&state=s&idc_region=eu-west-1"
        "&issuer_url=https%3A%2F%2Fexample-org.awsapps.com%2Fstart"
    )
    assert (callback.issuer_url, callback.idc_region) == (
        "https://example-org.awsapps.com/start",
        "eu-west-1",
    )


def test_camel_case_is_the_same() -> None:
    callback = read_query(
        "loginOption=awsidc&issuerUrl=https://o.example/start&idcRegion=eu-west-1&state=s", path="/"
    )
    assert callback.login_option == "awsidc"
    assert callback.issuer_url == "https://o.example/start"
    assert callback.idc_region == "eu-west-1"


def test_the_custom_scheme_is_the_second_leg() -> None:
    callback = read_address("kiro://kiro.oauth/callback?code=c&state=s")
    assert (callback.external, callback.code, callback.state) == (True, "c", "s")


@pytest.mark.parametrize(
    "around", [" {} ", "{}\n", '"{}"', "<{}>", "\t{}\r\n", "{}#fragment"], ids=repr
)
def test_what_people_paste_along_does_no_harm(around: str) -> None:
    assert read_address(around.format(SOCIAL)) == read_address(SOCIAL)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_every_name_of_this_machine_will_do(host: str) -> None:
    assert read_address(SOCIAL.replace("localhost", host)) == read_address(SOCIAL)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("", "malformed"),
        ("c0de", "malformed"),
        ("https://localhost:3128/oauth/callback?code=c&state=s", "malformed"),
        ("http://example.com/oauth/callback?code=c&state=s", "malformed"),
        ("http://localhost.example.com/oauth/callback?code=c&state=s", "malformed"),
        ("http://[::1/oauth/callback?code=c&state=s", "malformed"),
        ("kiro://other/callback?code=c&state=s", "malformed"),
        ("kiro://kiro.oauth/other?code=c&state=s", "malformed"),
        ("javascript:alert(1)", "malformed"),
        ("http://localhost:3128/?" + "x" * 9000, "malformed"),
        ("http://localhost:3128/?state=s", "malformed"),
        ("http://localhost:3128/?state=s&login_option=%3Cscript%3E&code=c", "malformed"),
        ("http://localhost:3128/?state=s&state=t&code=c", "malformed"),
        ("http://localhost:3128/?state=s&code=c&code=d", "malformed"),
        ("http://localhost:3128/?state=s&login_option=google&loginOption=github", "malformed"),
        ("http://localhost:3128/?state=s&code=" + "c" * 5000, "malformed"),
        ("http://localhost:3128/?" + "&".join(f"a{i}=1" for i in range(60)), "malformed"),
        ("http://localhost:3128/?code=c", "no_state"),
        ("http://localhost:3128/?code=c&state=", "no_state"),
        ("http://localhost:3128/?code=c&state=%20", "no_state"),
        ("http://localhost:3128/?error=access_denied", "no_state"),
        ("http://localhost:3128/?login_option=awsidc&issuer_url=https://o/start", "no_state"),
        ("http://localhost:3128/?access_token=aoa&refresh_token=aor&state=s", "tokens"),
        ("http://localhost:3128/?accessToken=aoa&code=c&state=s", "tokens"),
        ("http://localhost:3128/?id_token=x&state=s", "tokens"),
    ],
)
def test_anything_else_is_refused(address: str, kind: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        read_address(address)
    assert caught.value.kind == kind


@given(st.text(max_size=200))
def test_nonsense_is_refused_and_nothing_else(text: str) -> None:
    for address in (text, f"http://localhost:3128/?{text}", f"kiro://kiro.oauth/callback?{text}"):
        try:
            assert read_address(address).state
        except CallbackRefused as exc:
            assert str(exc)  # noqa: PT017  # both outcomes are fine, others are not


@pytest.mark.parametrize("state", ["", "st4t", "st4te ", "ST4TE", "ünïcode"])
def test_only_the_same_state_is_the_state(state: str) -> None:
    assert not read_address(SOCIAL).has_state(state)
    assert read_address(SOCIAL).has_state("st4te")


def test_a_callback_does_not_show_its_code_or_state() -> None:
    shown = repr(read_address(SOCIAL))
    assert "c0de" not in shown
    assert "st4te" not in shown
