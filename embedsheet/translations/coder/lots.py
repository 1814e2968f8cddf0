"""The cells of a block as one array: those of a lattice of formulas, or of array formulas with their areas."""

from __future__ import annotations

from dataclasses import dataclass

from embedsheet.compiler.forms import Group
from embedsheet.translations.coder.expressions import Expr, plain, relabelled
from embedsheet.translations.coder.lattices import Ids, lattices
from embedsheet.translations.coder.translate import Translator, Untranslatable, full
from embedsheet.translations.coder.variables import Memory


@dataclass(eq=False)
class Lot:
    """`elements` are formulas of a group in the shape of a lattice; `ids` (…) the cells that they fill.

    The axes of `ids` are those of `elements`, then rows and columns of an array formula's area where there are several.
    """

    group: Group
    elements: Ids
    ids: Ids

    @property
    def area(self) -> tuple[int, int] | None:
        """Rows and columns that each array formula fills."""
        return (self.group.outputs.shape[1], self.group.outputs.shape[2]) if self.group.array else None

    @property
    def parts_differ(self) -> bool:
        """Whether its first axis is that of array formulas, or of bands of cells."""
        return self.elements.ndim > 0 and (self.group.array or self.elements.ndim > 2)

    def parts(self) -> list[Lot]:
        """Return what lies along the first axis, one by one."""
        return [lot_of(self.group, part) for part in self.elements]

    def translator(self, memory: Memory) -> Translator:
        """Return what writes the formula for these cells."""
        return Translator(memory, self.group, self.elements, self.area)

    def written(self, translator: Translator) -> Expr:
        """Return the formula's expression, its axes those of `ids`; some may be missing. Raises Untranslatable."""
        expr = translator.whole()
        if self.area is None:
            return expr
        base = self.elements.ndim
        kept = [*range(base), *(base + place for place, length in enumerate(self.area) if length > 1)]
        places = {axis: place for place, axis in enumerate(kept)}
        if any(label not in places for label in expr.axes):
            raise Untranslatable("an array larger than its cells")
        return relabelled(expr, places)

    def full(self, translator: Translator) -> Expr:
        """Return the formula's expression with all axes of `ids`. Raises Untranslatable."""
        return plain(full(self.written(translator), self.ids.shape))


def lots_of(group: Group, elements: Ids) -> list[Lot]:
    """Return some formulas of a group as lattices."""
    return [lot_of(group, elements[part]) for part in lattices(group.rows[elements], group.columns[elements])]


def lot_of(group: Group, elements: Ids) -> Lot:
    """Return the formulas of a lattice with their cells."""
    if not group.array:
        return Lot(group, elements, group.ids[elements])
    area = [length for length in group.outputs.shape[1:] if length > 1]
    return Lot(group, elements, group.outputs[elements].reshape((*elements.shape, *area)))
