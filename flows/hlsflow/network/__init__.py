"""The network as hardware sees it: types, intervals, proofs, and its file.

Of one network there are three descriptions, and what is made of them:

1. The network with its types: `graph.Network` (what is computed, with which weights) and `layer_types.LayerTypes` (in
   which types, and why). Frontends make it, `ranges` proves it, `hls.convert` writes it as C++.
2. The project read back: what was really built. `hls.source` reads the C++ of any hls4ml version as text by name
   (`reports` looks up the layers' numbers in it, no more). `hls.project.HlsProject` is the strict view of our own
   projects: types, ports, calls. Of the calls `hls.integer_layers` makes integers, once: matrices, poolings, paddings.
   - `hls.effective` holds the project against the plan, (2) against (1).
   - `emulation.step.Step` is a call made ready to run in numpy, `rtl.network.IntegerNetwork` the chain of layers that
     our hardware is made of. Both are views of the integers; casts and tables each of them reads from the calls.
3. The record of a build, `records`: what was decided and measured. `comparison` shows records, and reports of others.

An estimate has an input of its own, `estimation.design.Design`, for it is asked of (1), of (2) and of strangers'
projects. `estimation.facts` builds it; `estimation.network` and `estimation.read` only say the facts (the calibration's
single layers, `estimation.layers`, are written down as they are). In the same way `rtl.coverage` alone says what our
hardware covers, and is asked by `opentools.check` of (1) and by `rtl` of (2). What hls4ml's files say of the target is
read by `foundation.target_files` alone, for a conversion, an estimate and a report. `models.plain_network` is none of
these: it makes Keras models.
"""
