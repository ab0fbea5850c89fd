"""Fits the weights of the token estimator to reference counts, and prints their module.

    python scripts/calibrate_tokens.py counted.jsonl > gateway/dialects/token_weights.py

The corpus has lines of {"kind", "text", "cl100k", "claude2"}, as
`scripts/count_reference_tokens.mjs` writes them; a kind counts as much as any other, however many
samples it has, unless `IMPORTANCE` says otherwise. What is minimised is the relative error per
sample. The error on every second sample, fitted without it, is printed to standard error.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gateway.dialects.token_estimate import BYTE_CLASSES

# Current Claude models split text finer than both references do; `docs/token-counts.md`.
TOKENS_PER_REFERENCE_TOKEN = 1.12
# On top: a context that is told to be fuller than it is gets compacted in time.
BIAS = 1.03
UNITS_PER_TOKEN = 64
MAX_UNITS = 127  # what the estimator's way of adding up can take

IMPORTANCE = {
    "code": 1.5,
    "tool results": 1.2,
    "latin": 0.6,
    "spanish": 0.4,
    "japanese": 0.4,
    "korean": 0.4,
    "cyrillic": 0.4,
    "emoji": 2.0,
    "noise": 0.3,
    "minified": 0.2,
    "box": 0.1,
}
# Pulls weights of pairs that hardly occur towards the weight of their class alone.
RIDGE = 0.0002

CLASSES = len(BYTE_CLASSES)
CONTINUATION = CLASSES - 1
FOUR_BYTES = CLASSES - 2
NEWLINE = 4
CLASS_OF = bytes(
    next(number for number, members in enumerate(BYTE_CLASSES) if byte in members)
    for byte in range(256)
)


@dataclass
class Sample:
    """A text by its pairs: how often each occurs, by index (before × 16 + class)."""

    kind: str
    target: float
    pairs: Counter[int]

    def features(self) -> Counter[int]:
        """A feature for each pair and, from 256 on, one for each class."""
        counts: Counter[int] = Counter()
        for pair, count in self.pairs.items():
            before, number = divmod(pair, CLASSES)
            # The first byte of a character tells enough; emoji may cost more than one byte can.
            if number != CONTINUATION or before == FOUR_BYTES:
                counts[pair] += count
                counts[CLASSES * CLASSES + number] += count
        return counts


def main(path: Path) -> None:
    """Reads the corpus, fits, reports, prints."""
    samples = [read_sample(line) for line in path.read_text("utf-8").splitlines()]
    report(fit(samples[::2]), samples[1::2])
    print(module_text(fit(samples)), end="")  # noqa: T201  # the module is this program's output


def read_sample(line: str) -> Sample:
    """A line of the corpus."""
    fields = json.loads(line)
    classes = bytes([NEWLINE]) + fields["text"].encode().translate(CLASS_OF)
    pairs = Counter(before * CLASSES + number for before, number in pairwise(classes))
    reference = (fields["cl100k"] + fields["claude2"]) / 2
    return Sample(fields["kind"], reference * TOKENS_PER_REFERENCE_TOKEN, pairs)


def fit(samples: Sequence[Sample]) -> list[float]:
    """Tokens per pair: non-negative ridge regression of relative errors, by coordinate descent."""
    size = CLASSES * CLASSES + CLASSES
    squares = [[0.0] * size for _ in range(size)]
    targets = [0.0] * size
    sizes = Counter(sample.kind for sample in samples)
    for sample in samples:
        weight = IMPORTANCE.get(sample.kind, 1.0) / sizes[sample.kind]
        row = [(at, count / sample.target) for at, count in sample.features().items()]
        for at, value in row:
            targets[at] += weight * value
            for other, second in row:
                squares[at][other] += weight * value * second
    for at in range(size):
        squares[at][at] += RIDGE if at < CLASSES * CLASSES else RIDGE / 10
    solution = descend(squares, targets)
    return [
        solution[pair] + solution[CLASSES * CLASSES + pair % CLASSES]
        if pair % CLASSES != CONTINUATION or pair // CLASSES == FOUR_BYTES
        else 0.0
        for pair in range(CLASSES * CLASSES)
    ]


def descend(squares: Sequence[Sequence[float]], targets: Sequence[float]) -> list[float]:
    """The non-negative minimum of x·squares·x / 2 - targets·x."""
    solution = [0.0] * len(targets)
    for _ in range(1500):
        change = 0.0
        for at, row in enumerate(squares):
            slope = targets[at] - sum(a * b for a, b in zip(row, solution, strict=True))
            value = max(0.0, solution[at] + slope / row[at])
            change = max(change, abs(value - solution[at]))
            solution[at] = value
        if change < 1e-5:
            break
    return solution


def report(weights: Sequence[float], samples: Iterable[Sample]) -> None:
    """Estimate ÷ target per kind, without the bias."""
    ratios: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples:
        estimate = sum(weights[pair] * count for pair, count in sample.pairs.items())
        ratios[sample.kind].append(estimate / sample.target)
    for kind, values in ratios.items():
        values.sort()
        last = len(values) - 1
        low, middle, high = (values[round(last * share)] for share in (0.05, 0.5, 0.95))
        print(f"{kind:14} 5 % {low:.2f}  50 % {middle:.2f}  95 % {high:.2f}", file=sys.stderr)  # noqa: T201


def module_text(weights: Sequence[float]) -> str:
    """The Python module with the weights in units, a row for each class in front."""
    units = [min(MAX_UNITS, round(weight * BIAS * UNITS_PER_TOKEN)) for weight in weights]
    rows = "\n".join(
        "        " + " ".join(f"{unit:3}," for unit in units[at : at + CLASSES])
        for at in range(0, CLASSES * CLASSES, CLASSES)
    )
    return f'''"""Weights of the token estimator; written by `scripts/calibrate_tokens.py`."""

from typing import Final

UNITS_PER_TOKEN: Final = {UNITS_PER_TOKEN}

# fmt: off
WEIGHTS: Final = bytes(
    (
{rows}
    )
)
"""Units for each pair of classes: a row per class in front, a column per class."""
# fmt: on
'''


if __name__ == "__main__":
    main(Path(sys.argv[1]))
