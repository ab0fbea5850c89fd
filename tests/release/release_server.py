"""A place that releases come from: archives, their sums, the signature, over real HTTP."""

import hashlib
import io
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SYSTEM = "linux_amd64"
ROOT = Path(__file__).parent.parent.parent

# What a frozen program is to itself: one file, which knows its version and the release keys.
FROZEN = """
import sys
sys.path.insert(0, {root!r})
sys.frozen, sys.executable = True, sys.argv[1]
del sys.argv[1]
import gateway, gateway.release_key
gateway.__version__ = {version!r}
gateway.release_key.PUBLIC_KEYS = ({key!r},)
from gateway.cli.__main__ import main
sys.exit(main())
"""


def public_pem(key: Ed25519PrivateKey) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def program(version: str, more: str = "") -> bytes:
    """A program that says its version, and otherwise does what `more` says."""
    script = f'#!/bin/sh\nif [ "$1" = --version ]; then echo "kiro-gateway {version}"; exit; fi\n'
    return (script + (more or "exit 1\n")).encode()


def gateway_program(version: str, key: Ed25519PrivateKey) -> bytes:
    """Ours as a program of one file, but for being frozen; it trusts releases of `key`."""
    code = FROZEN.format(root=str(ROOT), version=version, key=public_pem(key))
    # Standard input stays what the caller gives: commands read from it.
    text = f"$(cat <<'END'\n{code}\nEND\n)"
    return program(version, f'exec {sys.executable} -c "{text}" "$0" "$@"\n')


def install_script(keys: str) -> str:
    """The installer for Linux and macOS, with these public keys in it, PEM."""
    text = (ROOT / "scripts" / "install.sh").read_text()
    begin, end = "release keys begin\n", "release keys end\n"
    head, _, rest = text.partition(begin)
    return head + begin + keys + end + rest.partition(end)[2]


def pack(version: str, binary: bytes, *, system: str = SYSTEM) -> tuple[str, bytes]:
    """The name and the bytes of an archive in the layout that people download."""
    folder = f"kiro-gateway_v{version}_{system}"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, content, mode in (
            ("kiro-gateway", binary, 0o755),
            ("README.md", b"# Kiro Gateway\n", 0o644),
        ):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return f"{folder}.tar.gz", raw.getvalue()


@dataclass(slots=True)
class Trouble:
    """What goes wrong with one file: it breaks off, is refused, or comes in the end."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    times: int = 10**6
    hold: threading.Event | None = None  # what is cut ends when this is set


@dataclass(slots=True)
class Releases:
    """What the server has, by path below `/releases`; `latest` names the newest version."""

    url: str
    key: Ed25519PrivateKey
    files: dict[str, bytes] = field(default_factory=dict)
    latest: str = ""
    trouble: dict[str, Trouble] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def publish(self, version: str, binary: bytes | None = None, *, newest: bool = True) -> str:
        """Put up a release; gives the path of its archive."""
        name, content = pack(version, program(version) if binary is None else binary)
        folder = f"/download/v{version}/"
        self.files[folder + name] = content
        self.seal(version)
        if newest:
            self.latest = version
        return folder + name

    def seal(self, version: str, key: Ed25519PrivateKey | None = None) -> None:
        """Write the sums of what is there now, and sign them."""
        folder = f"/download/v{version}/"
        lines = [
            f"{hashlib.sha256(content).hexdigest()}  {path.removeprefix(folder)}\n"
            for path, content in sorted(self.files.items())
            if path.startswith(folder) and "SHA256SUMS" not in path
        ]
        sums = "".join(lines).encode()
        self.files[folder + "SHA256SUMS"] = sums
        self.files[folder + "SHA256SUMS.sig"] = (key or self.key).sign(sums)

    def find(self, path: str) -> tuple[str, bytes | None]:
        """What is asked for, with `latest` told in full."""
        path = path.removeprefix("/releases")
        if path.startswith("/latest/download/"):
            path = f"/download/v{self.latest}/" + path.removeprefix("/latest/download/")
        return path, self.files.get(path)


@contextmanager
def release_server() -> Iterator[Releases]:
    """A server on a free port, with nothing in it so far."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, content = releases.find(self.path)
            releases.asked.append((path, dict(self.headers.items())))
            trouble = releases.trouble.get(path, Trouble())
            if trouble.times <= 0:
                trouble = Trouble()
            trouble.times -= 1
            status = trouble.status if content is not None else 404
            body = content if status == 200 and content is not None else b"{}"
            start = 0
            if status == 200 and (asked := self.headers.get("range")):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                status = 206
            self.send_response(status)
            for name, value in trouble.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body) - start))
            if status == 206:
                self.send_header("content-range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            body = body[start:]
            if trouble.cut_after is not None:
                self.wfile.write(body[: trouble.cut_after])
                if trouble.hold is not None:
                    trouble.hold.wait()
                self.close_connection = True
                return
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its parent's
            """Say nothing; what was asked is in `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host, port = server.server_address[:2]
    releases = Releases(f"http://{host!s}:{port}/releases", Ed25519PrivateKey.generate())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield releases
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
