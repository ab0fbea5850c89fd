"""What is posted: a Teams card, Slack blocks, or a JSON document of our own.

Names in it were chosen by people and reach people, so what a channel would take for markup is
escaped: a key called `<!channel>` is shown, not obeyed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

from gateway import __version__
from gateway.notifications.facts import Facts, facts_of
from gateway.notifications.notices import Notice, type_of
from gateway.notifications.texts import Language
from gateway.notifications.wording import Message, cut

WEBHOOK_VERSION = 1

# https://api.slack.com/reference/block-kit/blocks: longer texts are refused as a whole.
SLACK_HEADER = 150  # characters
SLACK_SECTION = 3000

# What adaptive cards know of Markdown. An underline inside a word means nothing there.
_MARKDOWN = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice on its way to one channel. `id` is the same for every attempt to deliver it."""

    id: str
    at: datetime
    notice: Notice
    message: Message
    language: Language


def payload_for(kind: str, letter: Letter) -> bytes:
    """The body to post to a channel of this type."""
    return msgspec.json.encode(_PAYLOADS[kind](letter))


def teams_card(letter: Letter) -> Facts:
    """A message with an adaptive card, as workflows of Microsoft Teams take it."""
    title = {"text": _for_markdown(letter.message.title), "weight": "Bolder", "size": "Medium"}
    lines = [{"text": _for_markdown(line), "spacing": "Small"} for line in letter.message.lines]
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "body": [{"type": "TextBlock", "wrap": True, **one} for one in (title, *lines)],
                },
            }
        ],
    }


def slack_message(letter: Letter) -> Facts:
    """Blocks, and the text that stands for them in a list of notifications."""
    message = letter.message
    header = {"type": "plain_text", "text": cut(message.title, SLACK_HEADER), "emoji": False}
    sections = [
        # Verbatim: what looks like a link or a channel in a name is neither.
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
        for text in _sections(map(_for_slack, message.lines))
    ]
    return {
        "text": _for_slack(message.title),
        "blocks": [{"type": "header", "text": header}, *sections],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def webhook_document(letter: Letter) -> Facts:
    """The document of docs/notifications.md."""
    return {
        "version": WEBHOOK_VERSION,
        "type": type_of(letter.notice),
        "id": letter.id,
        "time": letter.at.astimezone(UTC).isoformat(),
        "gateway_version": __version__,
        "language": letter.language,
        "title": letter.message.title,
        "text": "\n".join(letter.message.lines),
        "facts": facts_of(letter.notice),
    }


_PAYLOADS: Mapping[str, Callable[[Letter], Facts]] = MappingProxyType(
    {"teams": teams_card, "slack": slack_message, "webhook": webhook_document}
)


def _for_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", text)


def _for_slack(text: str) -> str:
    # https://api.slack.com/reference/surfaces/formatting#escaping: these three and no others.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sections(lines: Iterable[str]) -> Iterator[str]:
    """Lines in as few texts as Slack allows."""
    section = ""
    for line in (line[:SLACK_SECTION] for line in lines):
        if section and len(section) + 1 + len(line) > SLACK_SECTION:
            yield section
            section = line
        else:
            section = f"{section}\n{line}" if section else line
    if section:
        yield section
