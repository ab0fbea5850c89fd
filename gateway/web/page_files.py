"""The admin pages as `make ui` has built them: one document, and assets named by their content."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BUILT = Path(__file__).parent / "static"
NONCE = b"__CSP_NONCE__"  # where the document wants the value that its styles are let in by

# What the build lays beside an asset, the smaller one first.
ENCODINGS = {"br": ".br", "gzip": ".gz"}
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `versions` holds it as it is ("") and compressed, by the name of the encoding."""

    content_type: str
    versions: Mapping[str, bytes]

    def version_for(self, accept_encoding: str) -> tuple[str, bytes]:
        """The encoding that fits a request best, and the bytes in it."""
        encoding = chosen_encoding(accept_encoding, self.versions)
        return encoding, self.versions[encoding]


@dataclass(slots=True)
class PageFiles:
    """Reads files when they are first asked for, and again after another build.

    Its methods read from the disk: call them from a thread.
    """

    folder: Path = BUILT
    _built_at: int = 0
    _document: bytes = b""
    _assets: dict[str, Asset | None] = field(default_factory=dict)

    def document(self) -> bytes | None:
        """The page that all pages are; None when nothing has been built."""
        path = self.folder / "index.html"
        try:
            built_at = path.stat().st_mtime_ns
            if built_at != self._built_at:
                self._document = path.read_bytes()
                self._assets, self._built_at = {}, built_at
        except OSError:
            return None
        return self._document

    def asset(self, name: str) -> Asset | None:
        """A file of the build; None when there is none of that name."""
        if name not in self._assets:
            if (found := self._read(name)) is None:
                return None  # not remembered: anybody may ask for any name
            self._assets[name] = found
        return self._assets[name]

    def _read(self, name: str) -> Asset | None:
        content_type = CONTENT_TYPES.get(Path(name).suffix)
        # Assets are in one folder; a name that leads out of it is no name.
        if content_type is None or "/" in name or "\\" in name or "\0" in name:
            return None
        path = self.folder / "assets" / name
        try:
            versions = {"": path.read_bytes()}
            for encoding, suffix in ENCODINGS.items():
                compressed = path.with_name(name + suffix)
                if compressed.is_file():
                    versions[encoding] = compressed.read_bytes()
        except OSError:
            return None
        return Asset(content_type, versions)


def chosen_encoding(accept_encoding: str, available: Collection[str]) -> str:
    """The encoding a client likes best, ours where it does not care; "" for none."""
    weights: dict[str, float] = {}
    for part in accept_encoding.split(","):
        name, _, parameters = part.partition(";")
        key, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if key.strip().lower() == "q" else 1.0
        except ValueError:
            weight = 0.0
        weights[name.strip().lower()] = weight
    best, best_weight = "", 0.0
    for name in ENCODINGS:
        weight = weights.get(name, weights.get("*", 0.0))
        if name in available and weight > best_weight:
            best, best_weight = name, weight
    return best
