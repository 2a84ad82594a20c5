"""What became of cards: counts by service, topic, outcome and reason, in memory only. Nothing personal: comments are not even read."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

MAX_CARDS = 10_000


class Tally:
    """Counts of outcomes. It remembers of the last 10,000 cards which topic each had, and nothing else."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._topics: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def shown(self, service: str, cards: Iterable[Mapping[str, Any]]) -> None:
        """Note cards that were returned."""
        with self._lock:
            for card in cards:
                topic = card["source"]["topic"]["code"]
                self._topics[card["uuid"]] = topic
                self._counts[service, topic, "shown", ""] += 1
            while len(self._topics) > MAX_CARDS:
                self._topics.popitem(last=False)

    def outcome(self, service: str, card: str, outcome: str, reason: str) -> None:
        """Count one outcome; `reason`: the code of one of our own override reasons, else empty."""
        with self._lock:
            self._counts[service, self._topics.get(card, "unknown"), outcome, reason] += 1

    def counts(self) -> list[dict[str, str | int]]:
        """All counts, in order of name."""
        with self._lock:
            rows = sorted(self._counts.items())
        return [
            {"service": service, "topic": topic, "outcome": outcome, "reason": reason, "count": count}
            for (service, topic, outcome, reason), count in rows
        ]
