"""One step of a program's order at a time, traced: the cells that depend on the changing cells become the engine's."""

from __future__ import annotations

import numpy as np

from embedsheet.compiler.components import Step
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.reading import PendingError
from embedsheet.compiler.recurrence import Recurrence
from embedsheet.compiler.scan import NotScannableError, run_traced
from embedsheet.compiler.store import TracedStore
from embedsheet.formulas.values import namespace
from embedsheet.ground.errors import UnsupportedError


class LateNeedError(Exception):
    """A traced formula reads cells that the stored values did not need."""

    def __init__(self, group: Group, pending: PendingError) -> None:
        self.group, self.pending = group, pending


def trace_step(traced: TracedStore, step: Step) -> None:
    """Trace those cells of a step that depend on the changing cells."""
    group, elements = step.group, step.elements
    tainted = traced.tainted[group.ids[elements]]
    if not tainted.any():
        return
    if tainted.mean() < 0.5:  # else a few constants more keep the reading pattern whole
        elements = elements[tainted]
    notes, jumps = len(traced.notes), len(traced.jumps)
    try:
        with traced.cells(group, elements):
            evaluator = Evaluator(traced, group, elements)
            value = evaluator.run()
    except (PendingError, UnsupportedError) as fault:
        if group.parts:
            del traced.notes[notes:], traced.jumps[jumps:]
            for part in group.parts:
                trace_step(traced, Step(part, np.arange(len(part.ids))))
            return
        if isinstance(fault, PendingError):
            raise LateNeedError(group, fault) from None
        raise
    outputs = group.outputs[elements]
    kinds = np.broadcast_to(value.kinds, outputs.shape).ravel()
    if isinstance(value.numbers, np.ndarray):
        traced.settle(outputs.ravel(), kinds, np.broadcast_to(value.numbers, outputs.shape).ravel())
        return
    numbers = namespace(value.numbers).broadcast_to(value.numbers, outputs.shape)
    traced.add_buffer(outputs.ravel(), kinds, numbers.reshape(-1), value.mixed, evaluator.undefined)


def trace_recurrence(traced: TracedStore, recurrence: Recurrence) -> None:
    if not traced.tainted[recurrence.ids].any():
        return
    try:
        run_traced(recurrence, traced)
    except NotScannableError:
        for step in recurrence.step_by_step():
            trace_step(traced, step)
