"""What the routes work with; built once, when the application starts."""

from dataclasses import dataclass, field

from gateway.accounts.answers import AccountAnswers
from gateway.accounts.directory import Directory
from gateway.accounts.health import AccountHealth
from gateway.accounts.profiles import Profiles
from gateway.accounts.tokens import Tokens
from gateway.kiro.models import Model
from gateway.kiro.quota import Quota
from gateway.logins.logins import Logins
from gateway.notifications.notifier import Notifier
from gateway.relay.relay import Relay
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.limit_book import LimitBook
from gateway.store.usage import UsageWriter
from gateway.web.admin.state import AdminState
from gateway.web.auth import FailureDelay
from gateway.web.keep_alive import KeepAlive
from gateway.web.metrics import Metrics
from gateway.web.page_files import PageFiles
from gateway.web.timing import USUAL, Timing


@dataclass(slots=True)
class Services:
    """Everything below the web, and whether the server is on its way out."""

    settings: Settings
    database: Database
    directory: Directory
    tokens: Tokens
    profiles: Profiles
    models: AccountAnswers[tuple[Model, ...]]
    quotas: AccountAnswers[Quota]
    health: AccountHealth
    relay: Relay
    logins: Logins
    usage: UsageWriter
    limits: LimitBook
    keep_alive: KeepAlive
    metrics: Metrics
    notifier: Notifier
    failures: FailureDelay = field(default_factory=FailureDelay)
    timing: Timing = USUAL
    admin: AdminState = field(default_factory=AdminState)
    pages: PageFiles = field(default_factory=PageFiles)
    draining: bool = False
