"""Device authorizations: a code that a program polls for, and one that a person approves."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits
from typing import Literal

from gateway.simulator.accounts import DemoAccount
from gateway.simulator.signin.people import BUILDER_START_URL, People, Way

Decision = Literal["approve", "deny", "expire"]
DeviceState = Literal["waiting", "approved", "denied", "expired", "redeemed"]

_USER_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_MORE_SECONDS = 5  # a poll that comes too soon makes the interval this much longer, for good
_SLACK = 0.1  # seconds; two clocks never agree entirely


@dataclass(slots=True)
class Device:
    """One authorization.

    Attributes:
        interval: seconds between polls; grows with each `slow_down`.
        polls: how often the program came.
    """

    device_code: str
    user_code: str
    client_id: str
    client_name: str
    start_url: str
    interval: int
    expires_at: float
    state: DeviceState = "waiting"
    account: DemoAccount | None = None
    polls: int = 0
    polled_at: float | None = None

    @property
    def way(self) -> Way:
        """How whoever approves signs in."""
        return "builderid" if self.start_url == BUILDER_START_URL else "awsidc"

    def slow_down(self) -> None:
        """Ask for longer pauses."""
        self.interval += _MORE_SECONDS


@dataclass(slots=True)
class Verdict:
    """What becomes of the next authorizations; `left` None: of all."""

    decision: Decision
    account: str | None
    left: int | None


class Devices:
    """Every device authorization. `clock` gives seconds since 1970.

    Attributes:
        interval: seconds between polls that new ones ask for.
        lifetime: seconds that new ones live.
        strict: whether polls that come too soon are refused.
    """

    def __init__(self, people: People, clock: Callable[[], float]) -> None:
        self._people = people
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget all of them."""
        self.interval = 1
        self.lifetime = 600
        self.strict = True
        self._devices: list[Device] = []
        self._verdicts: list[Verdict] = []

    @property
    def all(self) -> list[Device]:
        """Oldest first."""
        return list(self._devices)

    def start(self, ids: Random, client_id: str, client_name: str, start_url: str) -> Device:
        """A new authorization; it may be decided from the start."""
        letters = "".join(ids.choices(_USER_LETTERS, k=8))
        device = Device(
            device_code="".join(ids.choices(ascii_letters + digits, k=64)),
            user_code=f"{letters[:4]}-{letters[4:]}",
            client_id=client_id,
            client_name=client_name,
            start_url=start_url,
            interval=self.interval,
            expires_at=self._clock() + self.lifetime,
        )
        self._devices.append(device)
        for verdict in self._verdicts:
            if verdict.left != 0:
                if verdict.left is not None:
                    verdict.left -= 1
                self.decide(device, verdict.decision, verdict.account)
                break
        return device

    def await_next(self, verdict: Verdict) -> None:
        """Decide the next ones as they begin."""
        self._verdicts.append(verdict)

    def decide(self, device: Device, decision: Decision, account: str | None) -> None:
        """Approve as somebody, deny, or let the time run out.

        Raises:
            WrongPerson: nobody can sign in so under this name.
        """
        match decision:
            case "approve":
                device.account = self._people.get(device.way, account)
                device.state = "approved"
            case "deny":
                device.state = "denied"
            case "expire":
                device.expires_at = self._clock()

    def by_user_code(self, user_code: str) -> Device | None:
        """The authorization that a person typed in; letter case and the dash do not matter."""
        return self._find(lambda one: _plain(one.user_code) == _plain(user_code))

    def by_device_code(self, device_code: str) -> Device | None:
        """The authorization that a program polls for."""
        return self._find(lambda one: one.device_code == device_code)

    def comes_too_soon(self, device: Device) -> bool:
        """Note a poll, and tell whether it comes before its time."""
        now = self._clock()
        before = device.polled_at
        device.polls += 1
        device.polled_at = now
        return self.strict and before is not None and now - before < device.interval - _SLACK

    def state_of(self, device: Device) -> DeviceState:
        """What has become of it."""
        if device.state in {"waiting", "approved"} and device.expires_at <= self._clock():
            return "expired"
        return device.state

    def _find(self, is_it: Callable[[Device], bool]) -> Device | None:
        return next((one for one in self._devices if is_it(one)), None)


def _plain(user_code: str) -> str:
    return user_code.replace("-", "").strip().upper()
