"""What the log looks like: lines on standard error, for people or for collectors.

Modules log through `structlog.get_logger()`: a constant message, facts in fields. Whatever a field
holds, a line stays one line and shows no secret; libraries that use `logging` end up here too.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.redact import HIDDEN, is_secret_name, redact_bare, redact_traceback

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

# Characters that end a line, move the cursor or turn the writing direction: with them, a header
# value could forge a line of its own.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


_debugging = True  # as structlog prints everything until it is told otherwise


def is_debugging() -> bool:
    """Whether the log shows what is told at debug.

    For those who would have to prepare what they tell: asking a logger makes one first.
    """
    return _debugging


def configure_logging(
    level: str = "info",
    log_format: str = "console",
    *,
    stream: TextIO | None = None,
    colors: bool | None = None,
) -> None:
    """Set up logging for the whole process; calling it again replaces the set-up.

    `level` and `log_format` are as in `server.log_level` and `server.log_format`. Colours are for
    terminals unless `colors` says otherwise.
    """
    global _debugging  # noqa: PLW0603  # the log is one for the process, and so is its level
    _debugging = LEVELS[level] <= logging.DEBUG
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        make_safe,
    ]
    final = _json() if log_format == "json" else [_console(out, colors=colors)]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(out),
        # Off, so that a second call also reaches loggers that were used before.
        cache_logger_on_first_use=False,
    )
    _adopt_standard_logging(out, shared, final)


def make_safe(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """Hide secrets and escape what would break a line, in every field.

    Tracebacks keep their line breaks, indented so that no line of theirs can pass for a log line.
    """
    for name, value in fields.items():
        if is_secret_name(name):
            fields[name] = HIDDEN
        elif name == "exception" and isinstance(value, str):
            fields[name] = safe_traceback(value)
        elif isinstance(value, str):
            fields[name] = escape_controls(redact_bare(value))
        elif isinstance(value, bytes | list | tuple | dict):
            fields[name] = _safe_inside(value)
    return fields


def escape_controls(text: str) -> str:
    r"""Write control characters as `\x0a`, so that one value cannot become two lines."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _safe_inside(value: object) -> object:
    match value:
        case str():
            return escape_controls(redact_bare(value))
        case bytes():
            return escape_controls(redact_bare(value.decode(errors="replace")))
        case dict():
            return {
                str(name): HIDDEN if is_secret_name(str(name)) else _safe_inside(inner)
                for name, inner in value.items()
            }
        case list() | tuple():
            return [_safe_inside(inner) for inner in value]
        case _:
            return value


def safe_traceback(traceback: str) -> str:
    """A traceback without secrets, each of its lines indented."""
    lines = redact_traceback(traceback).splitlines()
    return "\n".join("    " + escape_controls(line) for line in lines)


def _console(out: TextIO, *, colors: bool | None) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=out.isatty() if colors is None else colors,
        timestamp_key="time",
        pad_event_to=0,
        # The default shows the local variables of every frame, and with them tokens and prompts.
        exception_formatter=structlog.dev.plain_traceback,
    )


def _json() -> list[Processor]:
    return [
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_encode),
    ]


def _encode(fields: MutableMapping[str, object], **_options: object) -> str:
    return msgspec.json.encode(fields, enc_hook=repr).decode()


def _adopt_standard_logging(out: TextIO, shared: list[Processor], final: list[Processor]) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    for other in list(root.handlers):
        root.removeHandler(other)
    root.addHandler(handler)
    # Libraries log every request and every SQL parameter below this.
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
