"""The widest flows between addresses."""

import numpy as np

from common.results.coin_flows import FlowEdge, FlowGraph, OtherEdges
from token_worker.analysis.exact import BoolArray, FloatArray, IntArray
from token_worker.analysis.table import TransferTable

TOP_EDGES = 50


def build_flow_graph(table: TransferTable, top_edges: int = TOP_EDGES) -> FlowGraph:
    """Return the edges that carry most, and what all others carry together.

    Mints leave and burns reach the zero address; transfers to oneself are no edge. Ties sort by
    source and target.
    """
    rows = np.flatnonzero(table.senders != table.recipients)
    addresses = max(1, len(table.addresses))
    keys = table.senders[rows] * addresses + table.recipients[rows]
    order = np.argsort(keys)
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    counts = np.diff(starts, append=rows.size)
    owners = np.repeat(np.arange(starts.size), counts)
    wide = _widest(table.sizes[rows[order]], owners, top_edges)
    inside = np.flatnonzero(wide[owners])
    numbers = np.cumsum(wide) - 1
    sums = table.sum_by(numbers[owners[inside]], int(wide.sum()), rows[order[inside]])
    ranked = sorted(range(len(sums)), key=lambda edge: (-sums[edge], edge))[:top_edges]
    listed = np.flatnonzero(wide)[ranked].tolist()
    ends = [divmod(int(keys[order[starts[edge]]]), addresses) for edge in listed]
    edges = [
        FlowEdge(
            source=table.addresses[source],
            target=table.addresses[target],
            count=int(counts[edge]),
            amount_raw=str(sums[place]),
        )
        for (source, target), edge, place in zip(ends, listed, ranked, strict=True)
    ]
    volume = table.sum_where(table.senders != table.recipients)
    return FlowGraph(
        nodes=sorted({edge.source for edge in edges} | {edge.target for edge in edges}),
        edges=edges,
        other=OtherEdges(
            edge_count=int(starts.size) - len(edges),
            transfer_count=int(rows.size) - sum(edge.count for edge in edges),
            amount_raw=str(volume - sum(sums[place] for place in ranked)),
        ),
    )


def _widest(sizes: FloatArray, owners: IntArray, top_edges: int) -> BoolArray:
    """Tell of each edge whether it may be one of the widest, by sums in floating point.

    Args:
        sizes: Amount of each transfer.
        owners: Edge of each transfer, ascending from 0 without gaps.
        top_edges: How many edges are wanted.
    """
    sums = np.bincount(owners, weights=sizes)
    if sums.size <= top_edges:
        return np.ones(sums.size, dtype=bool)
    if top_edges == 0:
        return np.zeros(sums.size, dtype=bool)
    least = np.partition(sums, sums.size - top_edges)[sums.size - top_edges]
    return np.asarray(sums >= least * (1 - 1e-9))
