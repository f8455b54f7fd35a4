"""What the run trades on: prices that walk, and a strategy that changes its mind, both from the seed.

In: a seed. Out: prices by symbol, and for each step what the strategy wants.
"""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

__all__ = ["Market", "Want"]

_PRICES = {"BTC/EUR": Decimal(60000), "ETH/EUR": Decimal(3000), "SOL/EUR": Decimal(150)}
_SWING = 0.002
_TURNS, _WANTS = 0.15, 0.7


@dataclass(frozen=True)
class Want:
    """What the strategy says of a symbol: buy, sell or flat, whether that is new, and how much of it."""

    symbol: str
    signal: str
    is_new: bool
    qty: Decimal


class Market:
    """Prices and signals, step by step."""

    def __init__(self, seed: str) -> None:
        self._rng = Random(seed)  # noqa: S311 - a sample, not a secret
        self.prices = dict(_PRICES)
        self._signals: dict[str, str] = {}

    def move(self) -> None:
        """Let every price walk one step."""
        for symbol, price in self.prices.items():
            moved = price * (1 + Decimal(round(self._rng.gauss(0.0, _SWING), 6)).quantize(Decimal("0.000001")))
            self.prices[symbol] = moved.quantize(Decimal("0.01"))

    def want(self) -> Want | None:
        """Return what the strategy wants this step, None if nothing."""
        symbol = self._rng.choice(tuple(_PRICES))
        before = self._signals.get(symbol)
        signal = before
        if before is None or self._rng.random() < _TURNS:
            signal = self._rng.choice(("buy", "sell", "flat"))
        assert signal is not None
        self._signals[symbol] = signal
        qty = Decimal(self._rng.randrange(50, 2000)) / 10000
        if signal == before and (signal == "flat" or self._rng.random() > _WANTS):
            return None
        return Want(symbol, signal, signal != before, qty)
