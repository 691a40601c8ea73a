"""The whole snapshot from one reading."""

from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime

from common.actions.handler import Report
from common.actions.wallet_snapshot import (
    WalletSnapshot,
    WalletSnapshotOptions,
    WalletThresholds,
)
from common.chain.types import Address
from common.results.alerts import Alert
from common.results.envelope import Completeness, Reason, Window
from common.results.wallet_snapshot import LIST_CAP, Cursor, DisputedNft, NftHolding, TokenHolding
from wallet_worker.analysis.account import describe_account, native_balance
from wallet_worker.analysis.activity import token_transfers, wallet_transactions, wraps_shown
from wallet_worker.analysis.alerts import wallet_alerts
from wallet_worker.analysis.behaviour import token_behaviour
from wallet_worker.analysis.change_alerts import change_alerts
from wallet_worker.analysis.changes import Holdings, changed_assets, flows_since, wallet_changes
from wallet_worker.analysis.counterparties import counterparties, native_exchanges, token_exchanges
from wallet_worker.analysis.discovery import last_arrivals, transaction_places
from wallet_worker.analysis.ledger import token_ledgers, token_wraps
from wallet_worker.analysis.native_flows import lists_all_since, native_flows, native_moves
from wallet_worker.analysis.nfts import nft_collections, nft_holdings
from wallet_worker.analysis.poisoning import Poisoning, find_poisoning
from wallet_worker.analysis.previous import PreviousSnapshot
from wallet_worker.analysis.spam import Suspicion, spam_mark
from wallet_worker.analysis.suspicions import contract_suspicions, known_tokens
from wallet_worker.analysis.tokens import is_held, token_holdings
from wallet_worker.analysis.values import fill_portfolio, price_native, price_tokens, total_value
from wallet_worker.models import ContractAnswers, History, WalletReading


def compose_snapshot(
    reading: WalletReading,
    options: WalletSnapshotOptions,
    thresholds: WalletThresholds,
    previous: PreviousSnapshot | None = None,
) -> Report[WalletSnapshot]:
    """Return the result, its alerts and a few figures for lists.

    Args:
        reading: What the chain said.
        options: Which parts were asked for; the others stay null.
        thresholds: Where marks and alerts begin.
        previous: What the changes are told against.
    """
    obstacle, history = reading.obstacle, reading.history
    result = WalletSnapshot(
        window=_window(reading),
        completeness=Completeness(status="partial", reasons=[obstacle])
        if obstacle
        else Completeness(),
        thresholds=thresholds.model_dump(by_alias=True),
        wallet=describe_account(reading.account),
        native=native_balance(reading.account, reading.chain_id),
    )
    price_native(result.native, reading.prices)
    poisoning = Poisoning(suspects={}, imitations={})
    holdings: list[TokenHolding] = []
    nfts: tuple[list[NftHolding], list[DisputedNft]] | None = None
    alerts: list[Alert] = []
    if history is not None:
        tokens = known_tokens(reading, history)
        poisoning = find_poisoning(
            reading.account.address,
            history.movements,
            reading.transactions,
            reading.batches,
            tokens,
            thresholds,
        )
        result.cursor = Cursor(last_block=reading.block.number, last_block_hash=reading.block.hash)
        suspicions = contract_suspicions(
            reading, history, poisoning.suspects, tokens.counterfeits, thresholds
        )
        if options.include_token_balances:
            holdings = _holdings(reading, history, suspicions, thresholds)
            price_tokens(holdings, reading.prices)
            _fill_tokens(result, holdings)
        if options.include_nfts:
            nfts = _nfts(reading, history, suspicions, thresholds)
            _fill_nfts(result, *nfts)
        _tell_carried(result, reading.answers)
        if options.include_transactions:
            _fill_activity(result, reading, history, poisoning)
        if history.undecodable:
            detail = f"{history.undecodable} logs of the wallet follow no known layout"
            result.warnings.append(Reason(code="undecodable_logs", detail=detail))
        if previous is not None:
            now = Holdings(
                native_wei=reading.account.balance_wei,
                tokens=holdings if options.include_token_balances else None,
                nfts=nfts[0] if nfts else None,
                unanswered_nfts=frozenset(
                    key for key, amount in reading.answers.editions.items() if amount is None
                ),
            )
            spam = {
                contract
                for contract, each in suspicions.items()
                if spam_mark(each, thresholds.spam_score).is_spam
            }
            alerts = _fill_changes(result, reading, history, previous, now, spam, thresholds)
    return Report(
        result=result,
        alerts=[
            *wallet_alerts(reading, poisoning, holdings, result.completeness, thresholds),
            *alerts,
        ],
        summary=_summary(result),
    )


def _window(reading: WalletReading) -> Window:
    """All blocks up to the pinned one when logs were read, else that block alone."""
    return Window(
        from_block=reading.block.number if reading.history is None else 0,
        to_block=reading.block.number,
        to_timestamp=datetime.fromtimestamp(reading.block.timestamp, UTC),
    )


def _holdings(
    reading: WalletReading,
    history: History,
    suspicions: Mapping[Address, Sequence[Suspicion]],
    thresholds: WalletThresholds,
) -> list[TokenHolding]:
    answers = reading.answers
    wraps = token_wraps(history, answers.metadata)
    holdings = token_holdings(
        token_ledgers(reading.account.address, history.movements, wraps),
        answers.balances,
        {each: answers.carried.get(each, reading.block.number) for each in answers.balances},
        answers.metadata,
        reading.timestamps,
        suspicions,
        thresholds.spam_score,
    )
    for holding in holdings:
        contract = Address(holding.contract_address)
        holding.implementation = answers.implementations.get(contract)
        holding.behaviour = token_behaviour(
            reading.account.address,
            contract,
            None if holding.unexplained_raw is None else int(holding.unexplained_raw),
            history.movements,
            answers.probes.get(contract),
        )
    return holdings


def _fill_tokens(result: WalletSnapshot, holdings: list[TokenHolding]) -> None:
    held = [holding for holding in holdings if is_held(holding)]
    past = [holding for holding in holdings if not is_held(holding)]
    silent = [holding for holding in held if holding.balance_raw is None]
    result.tokens, result.tokens_total = held[:LIST_CAP], len(held)
    result.past_tokens, result.past_tokens_total = past[:LIST_CAP], len(past)
    result.totals.tokens_held = len(held) - len(silent)
    result.totals.usd_value, result.totals.priced_pct = total_value(result.native, held)
    fill_portfolio(held, result.totals.usd_value)
    result.totals.spam_tokens = sum(holding.spam.is_spam for holding in held)
    if silent:
        detail = f"{len(silent)} tokens do not answer balanceOf; their balances are null"
        result.warnings.append(Reason(code="balance_unanswered", detail=detail))


def _tell_carried(result: WalletSnapshot, answers: ContractAnswers) -> None:
    """Say which balances are of an earlier block."""
    if result.tokens is not None:
        result.totals.balances_carried = len(answers.carried)
    if result.nfts is not None:
        result.totals.nfts_carried = len(answers.carried_ids)
    known = len(answers.owners) + len(answers.editions)
    for code, what, blocks, count in (
        ("balances_carried", "token balances", answers.carried.values(), len(answers.balances)),
        ("nfts_carried", "token ids", answers.carried_ids.values(), known),
    ):
        if blocks:
            detail = (
                f"{len(blocks)} of {count} {what} were last read between the blocks {min(blocks)}"
                f" and {max(blocks)}; no transfer of these was logged since, and later runs read"
                " them again in turn (option quietBalances)"
            )
            result.completeness.reasons.append(Reason(code=code, detail=detail))
            result.completeness.status = "partial"


def _nfts(
    reading: WalletReading,
    history: History,
    suspicions: Mapping[Address, Sequence[Suspicion]],
    thresholds: WalletThresholds,
) -> tuple[list[NftHolding], list[DisputedNft]]:
    wallet = reading.account.address
    arrivals = last_arrivals(wallet, history)
    return nft_holdings(
        wallet,
        arrivals,
        reading.answers,
        reading.block.number,
        suspicions,
        thresholds.spam_score,
    )


def _fill_nfts(result: WalletSnapshot, held: list[NftHolding], disputed: list[DisputedNft]) -> None:
    collections = nft_collections(held)
    result.nfts, result.nfts_total = held[:LIST_CAP], len(held)
    result.disputed_nfts, result.disputed_nfts_total = disputed[:LIST_CAP], len(disputed)
    result.nft_collections = collections[:LIST_CAP]
    result.nft_collections_total = len(collections)
    result.totals.nfts_held = len(held)
    if disputed:
        detail = f"{len(disputed)} token ids are the wallet's by the logs, not by their contracts"
        result.warnings.append(Reason(code="ownership_disputed", detail=detail))


def _fill_activity(
    result: WalletSnapshot, reading: WalletReading, history: History, poisoning: Poisoning
) -> None:
    account, metadata, timestamps = reading.account, reading.answers.metadata, reading.timestamps
    movements, suspects = history.movements, poisoning.suspects
    wraps = token_wraps(history, metadata)
    payments = reading.native.payments if reading.native else ()
    parties = counterparties(
        account.address,
        [
            *token_exchanges(movements, suspects),
            *native_exchanges(reading.transactions, reading.receipts, payments),
        ],
    )
    result.token_transfers = token_transfers(
        account.address, movements, metadata, timestamps, suspects
    )
    result.token_transfers_total = len(movements)
    result.wraps, result.wraps_total = wraps_shown(wraps, metadata, timestamps), len(wraps)
    result.counterparties, result.counterparties_total = parties[:LIST_CAP], len(parties)
    result.transactions = wallet_transactions(
        account,
        reading.transactions,
        reading.receipts,
        len(transaction_places(history, reading.native)),
        timestamps,
        reading.native,
    )
    if reading.native is not None and reading.native.refusal is not None:
        result.warnings.append(Reason(code="explorer_not_used", detail=reading.native.refusal))
    result.totals.token_transfers = len(movements)
    result.totals.poisoning_suspects = len(suspects)


def _fill_changes(
    result: WalletSnapshot,
    reading: WalletReading,
    history: History,
    previous: PreviousSnapshot,
    now: Holdings,
    spam: Container[Address],
    thresholds: WalletThresholds,
) -> list[Alert]:
    """Fill in the changes and return their alerts."""
    wallet, metadata = reading.account.address, reading.answers.metadata
    wraps = token_wraps(history, metadata)
    flows = flows_since(wallet, previous.block_number, history.movements, wraps)
    native = native_flows(
        previous.block_number,
        native_moves(
            wallet,
            reading.transactions.values(),
            reading.receipts,
            wraps,
            reading.native.payments if reading.native else (),
        ),
        is_complete=lists_all_since(
            previous.block_number, history, reading.native, reading.transactions, reading.receipts
        ),
    )
    changed = changed_assets(previous, now, flows, native, metadata, result.native.symbol)
    result.changes_since_previous = wallet_changes(previous, now, changed)
    return change_alerts(reading, previous, changed, flows, spam, thresholds)


def _summary(result: WalletSnapshot) -> dict[str, str | int | float | bool | None]:
    return {
        "nativeBalance": result.native.balance,
        "nativeSymbol": result.native.symbol,
        "nonce": result.wallet.nonce,
        "tokensHeld": result.totals.tokens_held,
        "spamTokens": result.totals.spam_tokens,
        "nftsHeld": result.totals.nfts_held,
        "tokenTransfers": result.totals.token_transfers,
        "completeness": result.completeness.status,
    }
