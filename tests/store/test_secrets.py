import base64
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store.secrets import SecretBox, new_key, open_secrets, parse_keys

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_was_encrypted_for_a_place_decrypts_there() -> None:
    box = SecretBox(NEW)
    sealed = box.encrypt("a token, 令牌", place="accounts/1/credentials")
    assert "token" not in sealed
    assert box.decrypt(sealed, place="accounts/1/credentials") == "a token, 令牌"


def test_the_same_text_encrypts_differently_each_time() -> None:
    box = SecretBox(NEW)
    assert box.encrypt("same", place="p") != box.encrypt("same", place="p")


def test_a_value_moved_to_another_row_does_not_decrypt() -> None:
    box = SecretBox(NEW)
    sealed = box.encrypt("text", place="accounts/1/credentials")
    with pytest.raises(StoreError, match="accounts/2/credentials is damaged"):
        box.decrypt(sealed, place="accounts/2/credentials")


@pytest.mark.parametrize("position", [-1, -12, 15], ids=["tag", "text", "nonce"])
def test_a_changed_character_is_noticed(position: int) -> None:
    box = SecretBox(NEW)
    sealed = box.encrypt("some longer text", place="p")
    other = "A" if sealed[position] != "A" else "B"
    characters = list(sealed)
    characters[position] = other
    with pytest.raises(StoreError, match="damaged"):
        box.decrypt("".join(characters), place="p")


def test_a_value_of_another_key_says_which_key_is_missing() -> None:
    sealed = SecretBox(OLD).encrypt("text", place="p")
    with pytest.raises(StoreError, match=f"its id is {SecretBox(OLD).key_id}.*KIRO_GATEWAY_SECRET"):
        SecretBox(NEW).decrypt(sealed, place="p")


@pytest.mark.parametrize("sealed", ["", "plain", "v2:12345678:AAAA", "v1:"])
def test_a_value_in_an_unknown_format_is_refused(sealed: str) -> None:
    with pytest.raises(StoreError, match="unknown format"):
        SecretBox(NEW).decrypt(sealed, place="p")


def test_after_a_rotation_both_keys_decrypt_and_the_first_encrypts() -> None:
    sealed = SecretBox(OLD).encrypt("text", place="p")
    both = SecretBox(NEW, OLD)
    assert both.decrypt(sealed, place="p") == "text"
    assert SecretBox(NEW).decrypt(both.encrypt("new", place="p"), place="p") == "new"


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(b"\xfb\xff" * 16).decode(),
        base64.b64encode(b"\xfb\xff" * 16).decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xfb\xff" * 16).decode(),
        (b"\xfb\xff" * 16).hex(),
        (b"\xfb\xff" * 16).hex().upper() + "\n",
    ],
    ids=["base64", "unpadded", "url-safe", "hex", "upper-case hex"],
)
def test_a_key_may_be_written_in_several_ways(text: str) -> None:
    assert parse_keys(text, source="here") == (b"\xfb\xff" * 16,)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "correct horse battery staple", "c2hvcnQ=", new_key() + "AAAA", "ü" * 43],
    ids=["empty", "blank", "words", "short", "long", "not ascii"],
)
def test_a_malformed_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse_keys(text, source="KIRO_GATEWAY_SECRET_KEY")
    message = str(caught.value)
    assert message.startswith("KIRO_GATEWAY_SECRET_KEY holds no secret key")
    assert not text.strip() or text.strip() not in message


def test_the_repr_of_a_box_shows_only_the_id_of_its_key() -> None:
    box = SecretBox(NEW)
    assert repr(box) == f"SecretBox(key_id='{box.key_id}')"


def test_a_missing_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    sealed = open_secrets(None, path).encrypt("text", place="p")
    assert open_secrets("", path).decrypt(sealed, place="p") == "text"
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_key_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text(new_key())
    path.chmod(0o644)
    open_secrets(None, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_those_who_make_the_key_file_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(16) as pool:
        boxes = list(pool.map(lambda _: open_secrets(None, path), range(16)))
    assert len({box.key_id for box in boxes}) == 1


def test_a_key_given_by_value_leaves_no_file(tmp_path: Path) -> None:
    open_secrets(new_key(), tmp_path / "secret.key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe\xfd"])
def test_a_key_file_without_a_key_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"secret\.key"):
        open_secrets(None, path)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(StoreError, match=r"secret\.key cannot be used"):
        open_secrets(None, tmp_path / "secret.key")
