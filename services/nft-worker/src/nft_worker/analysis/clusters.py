"""Wallets that belong together by the wash trades between them."""

from collections import defaultdict
from collections.abc import Iterable

import rustworkx

from common.chain.types import Address
from common.results.nft_movements import WalletCluster
from nft_worker.analysis.wording import count_text
from nft_worker.models import Sale

WALLETS_SHOWN = 100
TOKENS_SHOWN = 20


def wallet_clusters(flagged: Iterable[Sale]) -> list[WalletCluster]:
    """Return the connected components of two or more wallets in the graph of flagged sales.

    Most sales first.
    """
    graph = rustworkx.PyGraph[Address, None](multigraph=False)
    nodes: dict[Address, int] = {}
    by_seller: defaultdict[Address, list[Sale]] = defaultdict(list)
    for sale in flagged:
        by_seller[sale.seller].append(sale)
        for wallet in (sale.seller, sale.buyer):
            if wallet not in nodes:
                nodes[wallet] = graph.add_node(wallet)
        if sale.seller != sale.buyer:
            graph.add_edge(nodes[sale.seller], nodes[sale.buyer], None)
    clusters = []
    for component in rustworkx.connected_components(graph):
        wallets = sorted(graph[node] for node in component)
        own = [sale for wallet in wallets for sale in by_seller[wallet]]
        if len(wallets) < 2:
            continue
        tokens = sorted({sale.token_id for sale in own})
        clusters.append(
            WalletCluster(
                addresses=wallets[:WALLETS_SHOWN],
                addresses_total=len(wallets),
                token_ids=[str(token_id) for token_id in tokens[:TOKENS_SHOWN]],
                token_ids_total=len(tokens),
                sale_count=len(own),
                reason=(
                    f"{count_text(len(own), 'sale')} of {count_text(len(tokens), 'token')} among "
                    "these wallets look like wash trades."
                ),
            )
        )
    return sorted(clusters, key=lambda cluster: (-cluster.sale_count, cluster.addresses))
