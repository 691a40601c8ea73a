"""Wallets that wash trades tie together, with networkx as the oracle of components."""

from collections.abc import Sequence
from random import Random

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from common.chain.types import Address
from nft_worker.analysis.clusters import TOKENS_SHOWN, WALLETS_SHOWN, wallet_clusters
from nft_worker.analysis.markets.fills import NATIVE
from nft_worker.models import Sale


def wallet(number: int) -> Address:
    return Address(f"0x{number:040x}")


def sold(token_id: int, seller: int, buyer: int) -> Sale:
    return Sale(
        token_id=token_id,
        quantity=1,
        standard="erc721",
        seller=wallet(seller),
        buyer=wallet(buyer),
        currency=NATIVE,
        price=1,
        price_source="tx_value",
        price_estimated=False,
        is_bundle=False,
        timestamp=0,
        block_number=0,
        transaction_hash="0x",
        log_index=0,
        batch_index=0,
    )


wallets = st.integers(1, 12)
flagged_sales = st.lists(st.builds(sold, st.integers(0, 5), wallets, wallets), max_size=20)


@given(flagged_sales)
def test_clusters_are_the_connected_components_of_two_or_more_wallets(
    flagged: Sequence[Sale],
) -> None:
    graph = nx.Graph([(sale.seller, sale.buyer) for sale in flagged])
    components = [part for part in nx.connected_components(graph) if len(part) > 1]

    found = wallet_clusters(flagged)

    assert {frozenset(cluster.addresses) for cluster in found} == set(map(frozenset, components))
    assert len(found) == len(components)
    for cluster in found:
        own = [sale for sale in flagged if sale.seller in cluster.addresses]
        assert cluster.addresses == sorted(cluster.addresses)
        assert cluster.addresses_total == len(cluster.addresses)
        assert cluster.sale_count == len(own)
        assert cluster.token_ids == list(map(str, sorted({sale.token_id for sale in own})))
        assert cluster.token_ids_total == len(cluster.token_ids)
    counts = [cluster.sale_count for cluster in found]
    assert counts == sorted(counts, reverse=True)


@given(flagged_sales, st.randoms(use_true_random=False))
def test_the_order_of_sales_does_not_change_the_clusters(
    flagged: Sequence[Sale], random: Random
) -> None:
    shuffled = list(flagged)
    random.shuffle(shuffled)

    assert wallet_clusters(shuffled) == wallet_clusters(flagged)


def test_a_wallet_that_sells_to_itself_alone_is_no_cluster() -> None:
    assert wallet_clusters([sold(1, 7, 7)]) == []


def test_a_large_cluster_is_shown_in_part_and_counted_whole() -> None:
    chain = [sold(number, number, number + 1) for number in range(1, 200)]

    [cluster] = wallet_clusters(chain)

    assert (cluster.addresses_total, cluster.token_ids_total, cluster.sale_count) == (200, 199, 199)
    assert cluster.addresses == [wallet(number) for number in range(1, WALLETS_SHOWN + 1)]
    assert cluster.token_ids == [str(number) for number in range(1, TOKENS_SHOWN + 1)]
    assert cluster.reason.startswith("199 sales of 199 tokens among")
