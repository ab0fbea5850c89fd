from gateway.upstream.signin.pkce import Pkce, new_pkce, new_state


def test_the_challenge_is_that_of_rfc_7636() -> None:
    pair = Pkce("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert pair.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_every_sign_in_has_its_own() -> None:
    assert len(new_pkce().verifier) == 43
    assert new_pkce() != new_pkce()
    assert new_state() != new_state()
    assert len(new_state()) >= 43


def test_a_verifier_is_not_shown() -> None:
    pair = new_pkce()
    assert pair.verifier not in repr(pair)
