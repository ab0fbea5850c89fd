import pytest

from gateway.upstream.signin.external_idp import registrable_domains


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("login.example.com", "example.com"),
        ("Login.Example.COM.", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("one.github.io", "one.github.io"),
        ("co.uk", "co.uk"),
        ("intranet", "intranet"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_host_belongs_to_whoever_registered_its_domain(host: str, domain: str) -> None:
    assert registrable_domains(host) == (domain,)
