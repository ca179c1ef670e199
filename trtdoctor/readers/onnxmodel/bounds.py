"""How much of a model is read: what no model of its size holds is refused before it costs its price.

A node takes microseconds to read and a kilobyte to hold, whatever it takes in the file: two bytes
suffice, and none where functions call each other. Real models have a node in more than a hundred
bytes, their weights not counted; small ones may be as dense as they like.
"""

from __future__ import annotations

from ..errors import TooMuch

_ADVICE = "no such model is read. Give the model that the engine was built from."


class Allowance:
    """How much may still come in one model of ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self._fields = self._most_fields = 150_000 + size // 64
        self._short = self._most_short = 500_000 + size // 16
        self._nodes = self._most_nodes = 50_000 + size // 128
        # In characters; what functions and subgraphs append makes names longer than they are written.
        self._text = (32 << 20) + 4 * size

    def field(self) -> None:
        """One more field of the model, the graph or of what is large in it.

        Raises:
            TooMuch: that is more than is read.
        """
        self._fields -= 1
        if self._fields < 0:
            raise TooMuch(f"It has more than {self._most_fields:,} nodes and values: {_ADVICE}")

    def short_fields(self, count: int) -> None:
        """So many more fields of a few bytes, each of which may be a message that holds nothing.

        Raises:
            TooMuch: that is more than is read.
        """
        self._short -= count
        if self._short < 0:
            raise TooMuch(f"It has more than {self._most_short:,} parts of a few bytes: {_ADVICE}")

    def nodes(self, count: int, text: int) -> None:
        """So many more nodes or values once functions and subgraphs lie open, with names so long.

        Raises:
            TooMuch: that is more than is read.
        """
        self._nodes -= count
        self._text -= text
        if self._nodes < 0 or self._text < 0:
            raise TooMuch(
                f"Its functions and subgraphs unfold to more than {self._most_nodes:,} nodes, "
                f"or to names without end: {_ADVICE}"
            )
