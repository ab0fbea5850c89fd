"""Everything that changes while the simulator runs."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from random import Random

from gateway.simulator.accounts import TOKEN_SECONDS, DemoAccount
from gateway.simulator.answers import TailEvents
from gateway.simulator.catalogue import Model, models_of
from gateway.simulator.clock import Clock
from gateway.simulator.delivery import Streams
from gateway.simulator.profiles import Profiles
from gateway.simulator.quota import Ledgers
from gateway.simulator.request_log import RequestLog
from gateway.simulator.rule import Caller
from gateway.simulator.scenarios import Shelf
from gateway.simulator.signatures import ReasoningSigner
from gateway.simulator.signin.codes import CodeDesk
from gateway.simulator.signin.devices import Devices
from gateway.simulator.signin.faults import ErrorSpelling
from gateway.simulator.signin.people import People
from gateway.simulator.signin.registrations import REGISTRATION_SECONDS, Registrations
from gateway.simulator.signin.scripts import Scripts
from gateway.simulator.tokens import TokenDesk
from gateway.simulator.webhooks import Mailroom

_REMEMBERED_CONVERSATIONS = 1000


class Simulator:
    """The state behind one simulator app, found at `app.state.simulator`.

    Attributes:
        clock: seconds since 1970.
        people: everybody who can sign in; signing in makes new accounts.
    """

    def __init__(
        self, accounts: Sequence[DemoAccount], *, seed: int, clock: Callable[[], float]
    ) -> None:
        self.seed = seed
        self.clock = Clock(clock)
        self.desk = TokenDesk(accounts, seed=seed, clock=self.clock)
        self.people = People(self.desk.accounts, self.desk.enrol)
        self.codes = CodeDesk(seed=seed, clock=self.clock)
        self.scripts = Scripts()
        self.profiles = Profiles()
        self.registrations = Registrations(accounts, seed=seed, clock=self.clock)
        self.devices = Devices(self.people, self.clock)
        self.error_spelling: ErrorSpelling = "oauth"
        self.signer = ReasoningSigner(seed)
        self.log = RequestLog()
        self.shelf = Shelf()
        self.streams = Streams()
        self.mailroom = Mailroom()
        self.tail = TailEvents()
        self.ledgers = Ledgers(self.clock)
        self._requests: Counter[str] = Counter()
        self._seen: OrderedDict[str, int] = OrderedDict()

    def reset(self, *, tokens: bool = False) -> None:
        """Back to the start. Unless `tokens`, what was issued stays good, and who came stays."""
        self.log.clear()
        self.shelf.clear()
        self.streams.release(None)
        self.streams.pace = 0.0
        self.streams.total = self.streams.cancelled = 0
        self.tail = TailEvents()
        self.ledgers.clear()
        self.scripts.clear()
        self.profiles.clear()
        self.mailroom.clear()
        self.clock.reset()
        self.devices.reset()
        self.error_spelling = "oauth"
        self.registrations.lifetime = REGISTRATION_SECONDS
        self.desk.lifetime = TOKEN_SECONDS
        self._requests.clear()
        self._seen.clear()
        if tokens:
            self.desk.reset()
            self.codes.clear()
            self.registrations.reset()
            self.people.reset()

    def next_ids(self, operation: str) -> Random:
        """The randomness of the next request: equal for equal seeds and numbers of requests."""
        self._requests[operation] += 1
        return Random(f"{self.seed}/{operation}/{self._requests[operation]}")  # noqa: S311  # repeatable on purpose

    def models(self, account: DemoAccount) -> Mapping[str, Model]:
        """The models that an account sees."""
        return models_of(account.subscription)

    def caller(self, account: DemoAccount, region: str | None) -> Caller:
        """What the rules have to know of an account, at the host of a region."""
        return Caller(
            models=self.models(account),
            profile_arns=self.profiles.arns(account, region),
            needs_profile=account.needs_profile,
            signer=self.signer,
        )

    def cached_tokens(self, conversation_id: str | None, tokens: int) -> int:
        """How many tokens of a conversation were read before; remembers this time's."""
        if conversation_id is None:
            return 0
        before = self._seen.pop(conversation_id, 0)
        self._seen[conversation_id] = tokens
        if len(self._seen) > _REMEMBERED_CONVERSATIONS:
            self._seen.popitem(last=False)
        return before
