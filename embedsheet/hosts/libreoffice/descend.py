"""The buttons of a gradient sheet where macros are off: what gradient.bas does, by the same names."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from embedsheet.ground.errors import ModelError
from embedsheet.hosts.buttons.press import Press
from embedsheet.hosts.live import refusal

_SECONDS = 0.25  # between two words in the status bar
_STATES = (("changing", "next"), ("velocity", "velocity.next"), ("square", "square.next"))


def _walk(times: int, press: Press) -> str:
    """Copy the next values and states over the present ones, so many times; Esc stops between two steps."""
    steps = _block(press, "steps")
    numbers = range(1, int(_block(press, "areas").value) + 1)
    pairs = [
        (_block(press, f"{to}.{number}"), _block(press, f"{source}.{number}"))
        for to, source in _STATES
        for number in numbers
    ]
    _refuse_protected(press, [steps, *(to for to, _ in pairs)])
    shown, done = time.perf_counter(), 0
    while done < times and not press.cancelled():
        # All are read before the first is written: they belong to one step.
        for (to, _), values in zip(pairs, [source.options(ndim=2).value for _, source in pairs], strict=True):
            to.value = values
        steps.value, done = steps.value + 1, done + 1
        if time.perf_counter() - shown > _SECONDS:
            shown = time.perf_counter()
            press.status(f"step {done} of {times} (Esc stops)")
    return f"{done} step{'' if done == 1 else 's'} along the gradient, {steps.value:.0f} in all"


def _reset(press: Press) -> str:
    """Bring back the values to begin from, and forget velocities."""
    steps, numbers = _block(press, "steps"), range(1, int(_block(press, "areas").value) + 1)
    _refuse_protected(press, [steps, *(_block(press, f"changing.{number}") for number in numbers)])
    for number in numbers:
        _block(press, f"changing.{number}").value = _block(press, f"start.{number}").options(ndim=2).value
        for state in ("velocity", "square"):
            _block(press, f"{state}.{number}").value = 0
    steps.value = 0
    return "The values to begin from are back"


def _block(press: Press, label: str) -> Any:
    names = press.book.sheets[press.pressed_on].names
    if label not in names:
        raise ModelError(f"{press.pressed_on}: the name {label} is gone; let embedsheet derive make the sheet anew.")
    return names[label].refers_to_range


def _refuse_protected(press: Press, ranges: list[Any]) -> None:
    for name in dict.fromkeys(one.sheet.name for one in ranges):
        if reason := refusal(press.book.sheets[name]):
            raise ModelError(f"{reason} Nothing was changed.")


# What to do by the macro's name.
WALKS: dict[str, Callable[[Press], str]] = {
    "GradientStep": partial(_walk, 1),
    "GradientRun": partial(_walk, 100),
    "GradientReset": _reset,
}
