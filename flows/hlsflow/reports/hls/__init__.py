"""The reports of Vivado HLS, Vitis HLS and Vitis, one module a format."""
