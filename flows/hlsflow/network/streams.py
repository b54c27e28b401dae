"""How values travel between the layers of an io_stream project: in packs, and where packs have to be made anew.

hls4ml passes on the channels of one position at once. A Flatten it leaves as it is: the packs stay those of the image,
which a dense layer and a concatenation gather, and any other layer misreads. There a `Repack` is put in its place.
"""

from __future__ import annotations

from hlsflow.network.graph import Network, Node, Op

# hls4ml copies a stream for its readers, of which it has at most so many.
MOST_COPIES = 7


def pack_sizes(network: Network) -> dict[str, int]:
    """How many values each node's stream passes on at once, by the node's name."""
    again = repacked(network)
    sizes: dict[str, int] = {}
    for node in network.nodes:
        in_place = node.op is Op.RESHAPE and len(node.shape) == 1 and node.name not in again | set(network.outputs)
        sizes[node.name] = sizes[node.inputs[0]] if in_place else node.shape[-1]
    return sizes


def repacked(network: Network) -> frozenset[str]:
    """The reshapes that hls4ml must be told to make packs for: a flattening that is read by what does not gather its
    packs, and any that is copied, for hls4ml copies what it puts in by itself as values of some other type."""
    found = set()
    for node in network.nodes:
        if node.op is not Op.RESHAPE:
            continue
        readers = network.consumers(node.name)
        in_place = len(node.shape) == 1 and network[node.inputs[0]].shape[-1] != node.shape[0]
        if copies(network, node) > 1 or (in_place and not all(_gathers(reader) for reader in readers)):
            found.add(node.name)
    return frozenset(found)


def _gathers(reader: Node) -> bool:
    """Whether a reader of a vector takes it in packs of any size."""
    return reader.op is Op.RESHAPE or (reader.op in (Op.DENSE, Op.CONCATENATE) and len(reader.shape) == 1)


def padded_apart(network: Network) -> frozenset[str]:
    """The one-dimensional convolutions whose padding has to be a layer of its own: hls4ml puts one in, but before the
    first reader of a stream, whichever that is."""
    return frozenset(
        node.name
        for node in network.nodes
        if node.op in (Op.CONV, Op.DEPTHWISE)
        and len(node.shape) == 2
        and (node.attributes["pad_left"] or node.attributes["pad_right"])
        and copies(network, network[node.inputs[0]]) > 1
    )


def padding_name(layer: str) -> str:
    """The name of the layer that pads for a convolution, as hls4ml calls its own."""
    return f"zp1d_{layer}"


def unpackable(network: Network) -> list[tuple[Node, int, int]]:
    """The reshapes whose packs of one size hls4ml cannot make into packs of the other: neither divides the other."""
    sizes = pack_sizes(network)
    found = []
    for node in network.nodes:
        if node.op is Op.RESHAPE:
            before, after = sizes[node.inputs[0]], sizes[node.name]
            if before % after and after % before:
                found.append((node, before, after))
    return found


def copies(network: Network, node: Node) -> int:
    """How many streams carry a node's values: one for each reader, and one for an output."""
    reads = sum(reader.inputs.count(node.name) for reader in network.consumers(node.name))
    return reads + network.outputs.count(node.name)
