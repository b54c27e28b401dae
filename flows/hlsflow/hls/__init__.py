"""The HLS project: its configuration, linted, written by hls4ml, read back, compared with the plan, C-simulated."""
