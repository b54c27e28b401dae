"""Nodes as hls4ml takes them, made for every front end alike: what no framework's own layer is."""
