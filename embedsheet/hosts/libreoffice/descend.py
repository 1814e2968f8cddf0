"""The buttons of a gradient sheet where macros are off: what gradient.bas does, by the same names."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.buttons.press import Press

_SECONDS = 0.25  # between two words in the status bar
_STATES = (("changing", "next"), ("velocity", "velocity.next"), ("square", "square.next"))


def _walk(times: int, press: Press) -> str:
    """Copy the next values and states over the present ones, so many times; Esc stops between two steps."""
    host, steps = press.host, _block(press, "steps")
    numbers = range(1, int(host.read(_block(press, "areas"))[0][0]) + 1)
    pairs = [
        (_block(press, f"{to}.{number}"), _block(press, f"{source}.{number}"))
        for to, source in _STATES
        for number in numbers
    ]
    _refuse_protected(press, [steps, *(to for to, _ in pairs)])
    total = host.read(steps)[0][0]
    shown, done = time.perf_counter(), 0
    while done < times and not press.cancelled():
        # All are read before the first is written: they belong to one step.
        for (to, _), values in zip(pairs, [host.read(source) for _, source in pairs], strict=True):
            host.write(to, values)
        total, done = total + 1, done + 1
        host.write(steps, [[total]])
        if time.perf_counter() - shown > _SECONDS:
            shown = time.perf_counter()
            press.status(f"step {done} of {times} (Esc stops)")
    return f"{done} step{'' if done == 1 else 's'} along the gradient, {total:.0f} in all"


def _reset(press: Press) -> str:
    """Bring back the values to begin from, and forget velocities."""
    host, steps = press.host, _block(press, "steps")
    numbers = range(1, int(host.read(_block(press, "areas"))[0][0]) + 1)
    _refuse_protected(press, [steps, *(_block(press, f"changing.{number}") for number in numbers)])
    for number in numbers:
        host.write(_block(press, f"changing.{number}"), host.read(_block(press, f"start.{number}")))
        for state in ("velocity", "square"):
            area = _block(press, f"{state}.{number}")
            host.write(area, np.zeros(area.shape).tolist())
    host.write(steps, [[0]])
    return "The values to begin from are back"


def _block(press: Press, label: str) -> Area:
    area = press.block(label)
    if area is None:
        raise ModelError(f"{press.pressed_on}: the name {label} is gone; let embedsheet derive make the sheet anew.")
    return area


def _refuse_protected(press: Press, areas: list[Area]) -> None:
    for name in dict.fromkeys(area.sheet for area in areas):
        if reason := press.host.refusal(name):
            raise ModelError(f"{reason} Nothing was changed.")


# What to do by the macro's name.
WALKS: dict[str, Callable[[Press], str]] = {
    "GradientStep": partial(_walk, 1),
    "GradientRun": partial(_walk, 100),
    "GradientReset": _reset,
}
