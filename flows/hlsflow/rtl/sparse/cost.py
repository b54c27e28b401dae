"""What a folding of a layer takes of a device, about: LUTs, and DSP blocks and block RAM as the LUTs beside them."""

from __future__ import annotations

from hlsflow.rtl.folding import Folding
from hlsflow.rtl.layers import ProductLayer
from hlsflow.rtl.rows import index_bits
from hlsflow.rtl.sparse import layer as sparse

# A Zynq-7020 has so many LUTs for each of its DSP blocks, and for each half of a block RAM.
LUT_PER_DSP, LUT_PER_BRAM = 240, 190
# A memory up to this depth is of LUTs (`row_rom.v`).
_SHALLOW = 64
# Widths of half a block RAM by the depth up to which it has them.
_ASPECTS = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))


def block_ram(depth: int, width: int) -> int:
    """Halves of a block RAM for a memory of constants."""
    if depth <= _SHALLOW:
        return 0
    for deepest, bits in _ASPECTS:
        if depth <= deepest:
            return -(-width // bits)
    return -(-depth // 16384) * width


def cost(layer: ProductLayer, folding: Folding) -> float:
    """LUTs and what stands for them."""
    return _luts(layer, folding) + LUT_PER_DSP * folding.multipliers + LUT_PER_BRAM * blocks(layer, folding)


def blocks(layer: ProductLayer, folding: Folding) -> int:
    """Halves of block RAM."""
    plan = folding.sparse
    if plan is None:
        return block_ram(folding.steps, _row(layer, folding))
    stored = sparse.stored_bits(layer, plan)
    frames = (
        0 if stored <= sparse.SMALL_BITS else block_ram(stored // layer.data.width, plan.shape.banks * layer.data.width)
    )
    return block_ram(plan.period + 1, _row(layer, folding)) + frames


def _row(layer: ProductLayer, folding: Folding) -> int:
    """Bits of a row of weights."""
    plan = folding.sparse
    if plan is not None:
        return 1 + plan.shape.lanes * (1 + index_bits(plan.window) + sparse.weight_width(layer))
    width = folding.multipliers * layer.weight.width
    return width if folding.streams else width + 1 + index_bits(layer.n_in)


def _luts(layer: ProductLayer, folding: Folding) -> float:
    plan, row = folding.sparse, _row(layer, folding)
    if plan is None:
        return folding.outputs * layer.accum.width + (row if folding.steps <= _SHALLOW else 0)
    shape = plan.shape
    window = layer.data.width * (2 / 3 if plan.window <= 32 else 4 / 3)
    luts = shape.lanes * (window + 0.35 * sparse.sum_width(layer, shape.banks))
    luts += shape.buses * (shape.banks + 6) * layer.accum.width + (row if plan.period < _SHALLOW else 0)
    stored = sparse.stored_bits(layer, plan)
    luts += 2 * (plan.period / 64) * 14
    return luts + (0 if stored > sparse.SMALL_BITS else shape.banks * stored / 24)
