"""Everything that changes while the simulator runs."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from random import Random

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.answers import TailEvents
from gateway.simulator.catalogue import Model, models_of
from gateway.simulator.delivery import Streams
from gateway.simulator.request_log import RequestLog
from gateway.simulator.rule import Caller
from gateway.simulator.scenarios import Shelf
from gateway.simulator.signatures import ReasoningSigner
from gateway.simulator.tokens import TokenDesk

_REMEMBERED_CONVERSATIONS = 1000


class Simulator:
    """The state behind one simulator app, found at `app.state.simulator`.

    Attributes:
        clock: seconds since 1970.
        credits: what each account has used, by its name.
    """

    def __init__(
        self, accounts: Sequence[DemoAccount], *, seed: int, clock: Callable[[], float]
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.desk = TokenDesk(accounts, seed=seed, clock=clock)
        self.signer = ReasoningSigner(seed)
        self.log = RequestLog()
        self.shelf = Shelf()
        self.streams = Streams()
        self.tail = TailEvents()
        self.credits = dict.fromkeys(self.desk.accounts, 0.0)
        self._requests: Counter[str] = Counter()
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._models = {
            name: models_of(account.subscription) for name, account in self.desk.accounts.items()
        }

    def reset(self) -> None:
        """Back to the start, except for tokens: what was issued stays good."""
        self.log.clear()
        self.shelf.clear()
        self.streams.release(None)
        self.streams.pace = 0.0
        self.streams.total = self.streams.cancelled = 0
        self.tail = TailEvents()
        self.credits = dict.fromkeys(self.desk.accounts, 0.0)
        self._requests.clear()
        self._seen.clear()

    def next_ids(self, operation: str) -> Random:
        """The randomness of the next request: equal for equal seeds and numbers of requests."""
        self._requests[operation] += 1
        return Random(f"{self.seed}/{operation}/{self._requests[operation]}")  # noqa: S311  # repeatable on purpose

    def models(self, account: DemoAccount) -> Mapping[str, Model]:
        """The models that an account sees."""
        return self._models[account.name]

    def caller(self, account: DemoAccount) -> Caller:
        """What the rules have to know of an account."""
        return Caller(
            models=self.models(account),
            profile_arn=account.profile_arn,
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
