"""On a board: the design around a network, the host that talks to it, and a board that is simulated."""
