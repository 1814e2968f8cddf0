"""Loops as text: Python's own over lists of steps, or JAX's scan."""

from __future__ import annotations

from collections.abc import Sequence

from embedsheet.translations.coder.expressions import Expr
from embedsheet.translations.coder.loops import Loop
from embedsheet.translations.coder.spelling import Language, spell

# Statements that JAX may compile one by one; more are scanned, or run uncompiled. XLA took 20 GB for 60 steps of a
# net's backpropagation in 14 formulas.
MOST_UNROLLED = 60
_MOST_BACK = 20


def _outside(loop: Loop, name: str, language: Language) -> tuple[list[str], list[str]]:
    """Return lines that compute what the loop reads step by step, and what each is called."""
    lines, found = [], []
    for key, expr in enumerate(loop.outside):
        if expr.op == "name" and not expr.args:
            found.append(expr.x)
            continue
        found.append(f"{name}_in{key + 1 if key else ''}")
        lines.append(f"{found[-1]} = {spell(expr, language)}")
    return lines, found


def is_long(loop: Loop) -> bool:
    """Whether a loop has more steps than JAX is to compile one by one."""
    return loop.steps * len(loop.bodies) > MOST_UNROLLED


def _time(expr: Expr) -> int:
    return expr.axes.index("t")


def repeated(loop: Loop, names: Sequence[str], language: Language) -> list[str]:
    """Return a loop that appends each step's arrays to lists."""
    lines, outside = _outside(loop, names[0], language)
    inner = {
        f"@x.{key}": f"{name}[{', '.join([':'] * _time(expr) + ['t'])}]"
        for key, (name, expr) in enumerate(zip(outside, loop.outside, strict=True))
    }
    steps = [f"{name}_steps" for name in names]
    for name, before in zip(steps, loop.before, strict=True):
        lines.append(f"{name}: list[Any] = [{', '.join(spell(expr, language) for expr in before)}]")
    count = f"range({loop.steps})"
    lines.append(f"for t in {f'reversed({count})' if loop.reverse else count}:")
    done: set[int] = set()
    for place in loop.order:
        here = dict(inner)
        for other, name in enumerate(steps):
            here |= {f"@{other}.{ago}": f"{name}[-{ago + (other in done)}]" for ago in range(_MOST_BACK)}
        lines.append(f"    {steps[place]}.append({spell(loop.bodies[place], language, here)})")
        done.add(place)
    for name, step, before, axis in zip(names, steps, loop.before, loop.axes, strict=True):
        part = (f"[{len(before)}:]" if before else "") + ("[::-1]" if loop.reverse else "")
        lines.append(f"{name} = {language.name}.stack({step}{part}{f', axis={axis}' if axis else ''})")
    return lines


def scanned(loop: Loop, names: Sequence[str], language: Language) -> list[str]:
    """Return `jax.lax.scan` of a step: what it carries are the last results of each block, the latest first."""
    lines, outside = _outside(loop, names[0], language)
    function = f"{names[0]}_step"
    carried = [(place, ago) for place, before in enumerate(loop.before) for ago in range(1, len(before) + 1)]
    called = {(place, ago): f"{names[place]}_{ago}_ago" for place, ago in carried}
    inner = {f"@x.{key}": f"x{key + 1}" for key in range(len(outside))}
    inner |= {f"@{place}.{ago}": called[place, ago] for place, ago in carried}
    inner |= {f"@{place}.0": name for place, name in enumerate(names)}
    lines.append(f"def {function}(carry: Any, at: Any) -> Any:")
    if carried:
        lines.append(f"    ({', '.join(called[one] for one in carried)},) = carry")
    if outside:
        lines.append(f"    ({', '.join(f'x{key + 1}' for key in range(len(outside)))},) = at")
    for place in loop.order:
        lines.append(f"    {names[place]} = {spell(loop.bodies[place], language, inner)}")
    later = [names[place] if ago == 1 else called[place, ago - 1] for place, ago in carried]
    lines.append(f"    return ({', '.join([*later, ''])}), ({', '.join([*names, ''])})")
    begins = [spell(loop.before[place][-ago], language) for place, ago in carried]
    begins = [f"{language.name}.asarray({text}, float)" for text in begins]
    along = [
        name if not _time(expr) else f"{language.name}.moveaxis({name}, {_time(expr)}, 0)"
        for name, expr in zip(outside, loop.outside, strict=True)
    ]
    more = ", reverse=True" if loop.reverse else ""
    arguments = f"{function}, ({', '.join([*begins, ''])}), ({', '.join([*along, ''])}), {loop.steps}{more}"
    lines.append(f"_, ({', '.join([*names, ''])}) = jax.lax.scan({arguments})")
    lines += [
        f"{name} = {language.name}.moveaxis({name}, 0, {axis})"
        for name, axis in zip(names, loop.axes, strict=True) if axis
    ]  # fmt: skip
    return lines
