from collections.abc import Callable

import networkx
from hypothesis import given
from hypothesis import strategies as st

from common.chain.types import Address
from common.results.coin_flows import FlowGraph
from token_worker.analysis.edges import Edges
from token_worker.analysis.flow_graph import build_flow_graph
from token_worker.analysis.flows import Totals
from token_worker.analysis.table import TransferTable

NAMES = st.sampled_from(["zero", "a", "b", "c", "d"])
ROWS = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 2**256 - 1)), max_size=30)


def _graph(table: TransferTable, top_edges: int = 50) -> FlowGraph:
    return build_flow_graph(Edges.of(table), Totals.of(table), top_edges)


@given(ROWS, st.integers(0, 4))
def test_listed_edges_and_the_rest_carry_everything(
    a_table: Callable[..., TransferTable], rows: list[tuple[str, str, int]], top_edges: int
) -> None:
    graph = _graph(a_table(*rows), top_edges)
    moved = [row for row in rows if row[0] != row[1]]

    assert sum(edge.count for edge in graph.edges) + graph.other.transfer_count == len(moved)
    assert len(graph.edges) + graph.other.edge_count == len({row[:2] for row in moved})
    carried = sum(int(edge.amount_raw) for edge in graph.edges) + int(graph.other.amount_raw)
    assert carried == sum(amount for _, _, amount in moved)


def test_the_widest_edges_come_first(
    a_table: Callable[..., TransferTable], address: Callable[[str], Address]
) -> None:
    table = a_table(("a", "b", 5), ("b", "c", 7), ("a", "b", 4), ("c", "c", 99))

    graph = _graph(table, 1)

    [edge] = graph.edges
    assert (edge.source, edge.target) == (address("a"), address("b"))
    assert (edge.count, edge.amount_raw) == (2, "9")
    assert graph.nodes == [address("a"), address("b")]
    assert graph.other.model_dump() == {
        "edge_count": 1,
        "transfer_count": 1,
        "amount_raw": "7",
    }


def test_no_transfers_make_an_empty_graph(a_table: Callable[..., TransferTable]) -> None:
    assert _graph(a_table()).nodes == []


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.integers(0, 2**256 - 1)),
        max_size=40,
    )
)
def test_an_independent_graph_has_the_same_edges(
    a_table: Callable[..., TransferTable], rows: list[tuple[str, str, int]]
) -> None:
    table = a_table(*rows)
    wanted: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    for row in range(len(table)):
        if table[row].sender != table[row].recipient:
            wanted.add_edge(table[row].sender, table[row].recipient, amount=table[row].amount)

    graph = _graph(table)

    assert set(graph.nodes) == set(wanted.nodes)
    assert {(each.source, each.target) for each in graph.edges} == set(wanted.edges())
    for edge in graph.edges:
        between = wanted.get_edge_data(edge.source, edge.target).values()
        assert edge.count == len(between)
        assert edge.amount_raw == str(sum(each["amount"] for each in between))
