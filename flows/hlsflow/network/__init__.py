"""A network as the hardware will compute it: nodes, fixed-point types, intervals, and what was proved of them."""
