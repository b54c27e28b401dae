"""What is done to a built project after the gate, one module a tool, and what they are given."""
