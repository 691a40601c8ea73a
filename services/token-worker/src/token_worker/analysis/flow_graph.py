"""The widest flows between addresses."""

import numpy as np

from common.results.coin_flows import FlowEdge, FlowGraph, OtherEdges
from token_worker.analysis.table import TransferTable

TOP_EDGES = 50


def build_flow_graph(table: TransferTable, top_edges: int = TOP_EDGES) -> FlowGraph:
    """Return the edges that carry most, and what all others carry together.

    Mints leave and burns reach the zero address; transfers to oneself are no edge. Ties sort by
    source and target.
    """
    rows = np.flatnonzero(table.senders != table.recipients)
    addresses = max(1, len(table.addresses))
    pairs, groups, counts = np.unique(
        table.senders[rows] * addresses + table.recipients[rows],
        return_inverse=True,
        return_counts=True,
    )
    sums = table.sum_by(groups, len(pairs), rows)
    ranked = sorted(range(len(pairs)), key=lambda edge: (-sums[edge], edge))
    edges = [
        FlowEdge(
            source=table.addresses[int(pairs[edge]) // addresses],
            target=table.addresses[int(pairs[edge]) % addresses],
            count=int(counts[edge]),
            amount_raw=str(sums[edge]),
        )
        for edge in ranked[:top_edges]
    ]
    rest = ranked[top_edges:]
    return FlowGraph(
        nodes=sorted({edge.source for edge in edges} | {edge.target for edge in edges}),
        edges=edges,
        other=OtherEdges(
            edge_count=len(rest),
            transfer_count=sum(int(counts[edge]) for edge in rest),
            amount_raw=str(sum(sums[edge] for edge in rest)),
        ),
    )
