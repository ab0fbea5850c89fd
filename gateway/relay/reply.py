"""Kiro's bytes in, the client's bytes out. Pure: called once for each network read."""

from collections.abc import Callable

from gateway.dialects.limits import OutputLimiter
from gateway.dialects.token_estimate import TokenCounter
from gateway.errors import FrameError, UpstreamError, UpstreamUnreachable
from gateway.events import (
    ContentEvent,
    ErrorShape,
    RedactedThinking,
    Stop,
    TextDelta,
    ThinkingDelta,
    ToolUseDelta,
    ToolUseStart,
    Translator,
    Usage,
)
from gateway.kiro.stream import KiroDecoder
from gateway.protocol.eventstream import FrameParser


class ReplyStream:
    """Parser, decoder, limiter and translator in a row.

    Feed network reads to `feed` until `ended` or the connection closes, then call `finish` (after a
    close) for the last bytes. `started` turns true with the first text, reasoning or tool frame:
    from then on the client may see bytes. After a failure only `error` and `usage` make sense.

    Args:
        estimate_input: the prompt's tokens by our estimator; asked once, when first needed.
        window: the model's context window in tokens, None when unknown.
    """

    def __init__(
        self,
        decoder: KiroDecoder,
        translator: Translator,
        *,
        stop_sequences: tuple[str, ...],
        max_tokens: int | None,
        estimate_input: Callable[[], int],
        window: int | None,
    ) -> None:
        self._parser = FrameParser()
        self._decoder = decoder
        self._translator = translator
        self._translate = translator.feed
        self._counter = TokenCounter()
        self._text_counter = TokenCounter()
        self._limiter: OutputLimiter | None = None
        if stop_sequences or max_tokens is not None:
            self._limiter = OutputLimiter(stop_sequences, max_tokens, self._text_counter)
        self._estimate_input: Callable[[], int] | None = estimate_input
        self._input_tokens = 0
        self._window = window
        self._opened = False
        self.ended = False
        self.failure: UpstreamError | None = None
        self.stop: Stop | None = None

    @property
    def started(self) -> bool:
        """Whether a text, reasoning or tool frame was seen."""
        return self._decoder.started

    @property
    def frames(self) -> int:
        """How many frames were seen, of any kind."""
        return self._decoder.frames

    @property
    def closed_properly(self) -> bool:
        """Whether upstream sent one of the events that close an answer."""
        return self._decoder.closed

    @property
    def input_tokens(self) -> int:
        """The estimate of the prompt."""
        if self._estimate_input is not None:
            self._input_tokens = self._estimate_input()
            self._estimate_input = None  # it holds the conversation, which is large
        return self._input_tokens

    @property
    def ping(self) -> bytes:
        """What keeps the client's connection alive."""
        return self._translator.ping

    def feed(self, chunk: bytes) -> bytes:
        """Wire bytes for one network read; b"" when there is nothing to say yet.

        A failure that upstream reports, or bytes that are no event stream, end the reply: `failure`
        is set then, and what came before it is still returned.
        """
        out: list[bytes] = []
        try:
            self._parser.receive_data(chunk)
            decode = self._decoder.decode
            for frame in self._parser.frames():
                for event in decode(frame):
                    self._emit(event, out)
                if self.ended:
                    break
        except FrameError as exc:
            self._fail(_cut(f"Kiro's answer was damaged on the way: {exc}."))
        except UpstreamError as exc:
            self._fail(exc)
        if not self._opened and self._decoder.started:
            out.append(self._open())
        if self.ended and self.failure is None:
            out.append(self._close())
        return b"".join(out)

    def finish(self) -> bytes:
        """The last bytes, after upstream closed the connection; sets `failure` as `feed` does."""
        if self.ended:
            return b""
        out: list[bytes] = []
        try:
            self._parser.receive_eof()
            for event in self._decoder.finish():
                self._emit(event, out)
        except FrameError:
            self._fail(_cut("Kiro's answer was cut short."))
            return b"".join(out)
        if not self._opened:
            out.append(self._open())
        out.append(self._close())
        return b"".join(out)

    def error(self, shape: ErrorShape) -> bytes:
        """The last bytes after a failure."""
        self.ended = True
        return self._translator.error(shape)

    def usage(self) -> Usage:
        """What was used so far: upstream's figures where it gave them, else derived, else ours."""
        decoder = self._decoder
        if (measured := decoder.token_usage) is not None:
            return Usage(
                input_tokens=measured.input_tokens,
                output_tokens=measured.output_tokens,
                cache_read_tokens=measured.cache_read_tokens,
                cache_write_tokens=measured.cache_write_tokens,
                credits=decoder.credits,
                source="measured",
            )
        output = self._counter.total + self._text_counter.total
        percentage = decoder.context_percentage
        if percentage is not None and self._window:
            # The percentage counts the answer too.
            total = round(percentage / 100 * self._window)
            return Usage(max(0, total - output), output, credits=decoder.credits, source="derived")
        return Usage(self.input_tokens, output, credits=decoder.credits, source="estimated")

    def _fail(self, failure: UpstreamError) -> None:
        self.failure = failure
        self.ended = True

    def _emit(self, event: ContentEvent, out: list[bytes]) -> None:
        if self.ended:
            return
        if not self._opened:
            out.append(self._open())
        limiter = self._limiter
        if limiter is None:
            self._count(event)
            out.append(self._translate(event))
            return
        if type(event) is not TextDelta:  # text is counted by the limiter
            self._count(event)
        for passed in limiter.feed(event):
            out.append(self._translate(passed))  # noqa: PERF401  # mostly one, often none
        if limiter.stopped is not None:
            self.ended = True

    def _count(self, event: ContentEvent) -> None:
        kind = type(event)
        if kind is TextDelta or kind is ThinkingDelta:
            self._counter.add(event.text)  # type: ignore[union-attr]  # a match costs twice as much
            return
        match event:
            case ToolUseDelta(_, fragment):
                self._counter.add(fragment)
            case ToolUseStart(_, name):
                self._counter.add(name)
            case RedactedThinking(data):
                self._counter.add(data)
            case _:
                pass

    def _open(self) -> bytes:
        self._opened = True
        return self._translator.start(self.input_tokens)

    def _close(self) -> bytes:
        self.ended = True
        out: list[bytes] = []
        if self._limiter is not None:
            out.extend(self._translate(event) for event in self._limiter.finish())
        self.stop = self._stop()
        out.append(self._translator.finish(self.stop, self.usage()))
        return b"".join(out)

    def _stop(self) -> Stop:
        decoder = self._decoder
        if self._limiter is not None and self._limiter.stopped is not None:
            return self._limiter.stopped
        if decoder.truncated:
            return Stop("max_tokens")
        if decoder.delivered_tools:
            return Stop("tool_use")
        if decoder.context_percentage is not None and decoder.context_percentage >= 100:
            return Stop("context_window_exceeded")
        return Stop("end_turn")


def _cut(message: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(message, code="upstream_unreachable")
