"""Our own hardware: Verilog of a folded or unrolled network, equal to the integer network cycle by cycle."""
