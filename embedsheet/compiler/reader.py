"""What helps to evaluate a formula asks the `Evaluator` for."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.store import Store, TracedStore
from embedsheet.formulas.values import Result, Value
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation import tree as t


class Reader(Protocol):
    """The formula of a group in some of its cells."""

    store: Store | TracedStore
    group: Group
    rows: Ids
    columns: Ids

    @property
    def undefined(self) -> int:
        """As what errors traced numbers met so far may turn out undefined."""
        ...

    @property
    def count(self) -> int:
        """Number of cells."""
        ...

    def subset(self, index: Ids) -> Reader:
        """Return the same formula in some of these cells."""
        ...

    def split(self, labels: NDArray[np.int64]) -> Exception:
        """Return the error that has cells computed apart."""
        ...

    def unsupported(self, text: str) -> UnsupportedError:
        """Return the error that says what these cells ask for and what to use instead."""
        ...

    def value(self, argument: Result) -> Value:
        """Return the cells of a reference."""
        ...

    def evaluate(self, node: t.Node) -> Result:
        """Return what an expression stands for."""
        ...
