"""Open tools around our RTL: Verilator, Yosys, nextpnr, within budgets."""
