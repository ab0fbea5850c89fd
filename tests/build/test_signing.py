import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from build.checksums import KEY_VARIABLE, sign, write_sums
from build.product import ROOT
from build.release_key import INSTALLERS, new_pair, put_in
from gateway.release_key import is_signed


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "b.tar.gz").write_bytes(b"bbb")
    (folder / "a.zip").write_bytes(b"aaa")
    return folder


def test_sums_are_in_the_form_that_sha256sum_checks(release: Path) -> None:
    sums = write_sums(release)
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("a.zip", b"aaa"), ("b.tar.gz", b"bbb"))
    ]
    assert sums.read_text() == "".join(lines)
    if tool := shutil.which("sha256sum"):
        subprocess.run([tool, "--check", "--strict", sums.name], cwd=release, check=True)


def test_sums_are_made_anew_without_those_of_before(release: Path) -> None:
    private, public = new_pair()
    before = write_sums(release).read_bytes()
    sign(release / "SHA256SUMS", private, (public,))
    assert write_sums(release).read_bytes() == before


def test_a_signature_is_good_for_these_sums_and_this_key_alone(release: Path) -> None:
    private, public = new_pair()
    _, other = new_pair()
    sums = write_sums(release)
    signature = sign(sums, private, (public,)).read_bytes()
    content = sums.read_bytes()
    assert len(signature) == 64
    assert is_signed(content, signature, (public,))
    assert is_signed(content, signature, (other, public)), "one key takes over from another"
    assert not is_signed(content, signature, (other,))
    assert not is_signed(content, signature, ())
    assert not is_signed(content + b"\n", signature, (public,))
    assert not is_signed(content, signature[:-1] + bytes([signature[-1] ^ 1]), (public,))
    assert not is_signed(content, signature[:63], (public,))
    assert not is_signed(content, b"", (public,))


def test_openssl_checks_a_signature_as_the_installers_do(release: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here")
    private, public = new_pair()
    sums = write_sums(release)
    signature = sign(sums, private, (public,))
    (release / "key.pem").write_text(public)
    check = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
    command = [*check, "-in", sums.name, "-sigfile", signature.name]
    subprocess.run(command, cwd=release, check=True, capture_output=True)
    sums.write_bytes(sums.read_bytes() + b"\n")
    assert subprocess.run(command, cwd=release, check=False, capture_output=True).returncode != 0


def test_a_key_that_nobody_could_check_with_signs_nothing(release: Path) -> None:
    private, _ = new_pair()
    _, other = new_pair()
    sums = write_sums(release)
    with pytest.raises(ValueError, match=r"does not belong to gateway/release_key\.py"):
        sign(sums, private, (other,))
    assert not (release / "SHA256SUMS.sig").exists()


def checksums(release: Path, *options: str, key: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "build.checksums", release, *options],
        cwd=ROOT,
        env={**os.environ, KEY_VARIABLE: key},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_release_without_a_key_is_refused_and_a_trial_is_said_to_be_unsigned(
    release: Path,
) -> None:
    refused = checksums(release, "--signed")
    assert refused.returncode == 2
    assert f"{KEY_VARIABLE} is not set" in refused.stderr
    trial = checksums(release)
    assert trial.returncode == 0
    assert f"not signed: {KEY_VARIABLE} is not set" in trial.stdout


def test_a_key_of_another_kind_is_refused(release: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    refused = checksums(release, key=pem.decode())
    assert refused.returncode == 2
    assert "no Ed25519 key" in refused.stderr


def test_a_new_key_is_written_to_everybody_who_checks(tmp_path: Path) -> None:
    module = tmp_path / "gateway/release_key.py"
    module.parent.mkdir()
    module.write_text((ROOT / "gateway/release_key.py").read_text())
    for name in INSTALLERS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n# release keys begin\nold\n# release keys end\nb\n")
    _, first = new_pair()
    _, second = new_pair()
    put_in(tmp_path, [first])
    put_in(tmp_path, [first, second])
    found: dict[str, object] = {}
    exec(module.read_text(), found)
    assert found["PUBLIC_KEYS"] == (first, second)
    for name in INSTALLERS:
        text = f"a\n# release keys begin\n{first}{second}# release keys end\nb\n"
        assert (tmp_path / name).read_text() == text


def test_an_installer_without_a_place_for_the_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway/release_key.py").write_text("PUBLIC_KEYS: tuple[str, ...] = ()\n")
    (tmp_path / "scripts").mkdir()
    (tmp_path / INSTALLERS[0]).write_text("no place\n")
    with pytest.raises(ValueError, match="0 places"):
        put_in(tmp_path, ["key\n"])
