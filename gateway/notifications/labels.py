"""What may be shown of a channel: whoever knows its whole URL may write to it."""

from urllib.parse import urlsplit

from gateway.settings import NotificationChannel
from gateway.settings.schema import HIDDEN


def host_of(url: str) -> str:
    """The host of a URL, with its port if there is one."""
    return urlsplit(url).netloc.rpartition("@")[2]


def masked(url: str) -> str:
    """A URL of which only scheme and host are left to see."""
    return f"{urlsplit(url).scheme}://{host_of(url)}/{HIDDEN}"


def label_of(channel: NotificationChannel) -> str:
    """What people call a channel."""
    return channel.name or f"{channel.type} at {host_of(channel.url)}"
