"""The widest flows between addresses."""

from common.results.coin_flows import FlowEdge, FlowGraph, OtherEdges
from token_worker.analysis.edges import Edges
from token_worker.analysis.flows import Totals
from token_worker.analysis.packed import unpack_one

TOP_EDGES = 50


def build_flow_graph(edges: Edges, totals: Totals, top_edges: int = TOP_EDGES) -> FlowGraph:
    """Return the edges that carry most, and what all others carry together.

    Mints leave and burns reach the zero address; transfers to oneself are no edge. Ties sort by
    source and target.
    """
    widest = edges.widest(top_edges)
    sources, targets = edges.sources, edges.targets
    listed = [
        FlowEdge(
            source=unpack_one(edges.packed[sources[edge]]),
            target=unpack_one(edges.packed[targets[edge]]),
            count=int(edges.counts[edge]),
            amount_raw=str(amount),
        )
        for edge, amount in widest
    ]
    return FlowGraph(
        nodes=sorted({edge.source for edge in listed} | {edge.target for edge in listed}),
        edges=listed,
        other=OtherEdges(
            edge_count=len(edges) - len(listed),
            transfer_count=int(edges.counts.sum()) - sum(edge.count for edge in listed),
            amount_raw=str(totals.between_two - sum(amount for _, amount in widest)),
        ),
    )
