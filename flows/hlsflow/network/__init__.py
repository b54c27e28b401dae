"""The network as hardware sees it: types, intervals, proofs, and its file.

Of one network there are three descriptions, and what is made of them:

1. The network with its types: `graph.Network` (what is computed, with which weights) and `layer_types.LayerTypes` (in
   which types, and why). Frontends make it, `ranges` proves it, `hls.convert` writes it as C++.
2. The integer network, read back: what was really built. `hls.source` reads the C++ of any hls4ml version as text by
   name (`reports` looks up the layers' numbers in it, no more), `hls.project.HlsProject` is the strict view of our own
   projects: types, ports, calls. Of it `hls.integer_network.IntegerNetwork` is made, in one place: `hls.call_readers`
   is the one table from a function of `nnet::` to its reader, and a reader makes a frozen node (`hls.integer_nodes`) of
   a call. Whoever computes with a project takes nodes and looks at no call:
   - `emulation.layers` is the table from a node's class to the maker of its `Step`, which runs in numpy;
   - `rtl.chain.Chain` is the chain of layers that our hardware is made of.
   `hls.effective` holds the project against the plan, (2) against (1).
3. The record of a build, `records`: what was decided and measured. `comparison` shows records, and reports of others.

An estimate has an input of its own, `estimation.design.Design`, for it is asked of (1), of (2) and of strangers'
projects. `estimation.facts` builds it; `estimation.network` and `estimation.read` only say the facts (the calibration's
single layers, `estimation.layers`, are written down as they are). In the same way `rtl.coverage` alone says what our
hardware covers, of nodes: `rtl` asks it of those of (2), `opentools.check` of those that it plans from (1). What
hls4ml's files say of the target is read by `foundation.target_files` alone, for a conversion, an estimate and a report.
`frontends.plain_layers` is none of these: it makes Keras models.
"""
