"""The paths of all tokens of a collection, each made when somebody looks at it."""

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import islice
from math import inf

import numpy as np

from common.chain.types import Address
from nft_worker.analysis.arrays import Ints, Mask, grouped, is_in, occurring
from nft_worker.analysis.movement_table import Movements
from nft_worker.analysis.movements import NOBODY
from nft_worker.analysis.paths import TokenPath, accounts_to_classify, token_path


class TokenPaths:
    """Paths of the ERC-721 tokens, by token id.

    Units of an ERC-1155 edition cannot be told apart, so they have no path.

    Attributes:
        moves: The movements, conduits removed.
        rows: Those of ERC-721 tokens, token by token, each in the order of the chain.
        lengths: Movements of each token number.
    """

    def __init__(self, moves: Movements, contracts: Collection[Address]) -> None:
        self.moves = moves
        self._contracts = contracts
        self._is_contract = moves.accounts.mask_of(contracts)
        unique = np.flatnonzero(moves.is_unique)
        self.rows: Ints = unique[grouped(moves.token[unique])]
        self.lengths: Ints = np.bincount(moves.token[unique], minlength=len(moves.tokens))
        self._ends = np.cumsum(self.lengths)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.lengths))

    def __iter__(self) -> Iterator[TokenPath]:
        return self.of(self.lengths > 0)

    def of(self, tokens: Mask) -> Iterator[TokenPath]:
        """Yield the paths of some tokens, by token id.

        Args:
            tokens: For each token number, whether it is wanted.
        """
        ids = self.moves.tokens.values()
        wanted = np.flatnonzero(tokens & (self.lengths > 0)).tolist()
        wanted.sort(key=ids.__getitem__)
        spans = [slice(self._ends[each] - self.lengths[each], self._ends[each]) for each in wanted]
        rows = [self.rows[span] for span in spans]
        transfers = self.moves.iterate(np.concatenate(rows) if rows else self.rows[:0])
        for number in wanted:
            own = list(islice(transfers, int(self.lengths[number])))
            yield token_path(ids[number], own, self._contracts)

    def touched_by_contracts(self) -> Mask:
        """Return the tokens that a contract got or gave away."""
        moves = self.moves
        rows = self.rows[
            self._is_contract[moves.sender[self.rows]]
            | self._is_contract[moves.recipient[self.rows]]
        ]
        return self._tokens_of(rows)

    def with_returns(self, within_seconds: float = inf) -> Mask:
        """Return the tokens that may have come back to a wallet that had passed them on.

        Args:
            within_seconds: Longest time away.
        """
        moves = self.moves
        rows = self.rows[self._revisiting()[moves.token[self.rows]]]
        holder = moves.token[rows] * max(len(moves.accounts), 1)
        # each movement is a departure (even place) and then an arrival (odd place)
        holding = np.column_stack(
            (holder + moves.sender[rows], holder + moves.recipient[rows])
        ).ravel()
        order = grouped(holding)
        left, came = order[:-1], order[1:]
        seconds = np.repeat(moves.seconds[rows], 2)
        returned = (
            (holding[left] == holding[came])
            & (left % 2 < came % 2)
            & (seconds[came] - seconds[left] <= within_seconds)
        )
        return self._tokens_of(rows[left[returned] // 2])

    def _revisiting(self) -> Mask:
        """Return the tokens that some wallet had twice: cheaper to find, and never fewer."""
        moves, accounts = self.moves, max(len(self.moves.accounts), 1)
        token, sender, recipient = (
            column[self.rows] for column in (moves.token, moves.sender, moves.recipient)
        )
        begins = np.append(True, (token[1:] != token[:-1]) | (sender[1:] != recipient[:-1]))
        begins = begins[: len(token)]
        had = np.concatenate((token * accounts + recipient, (token * accounts + sender)[begins]))
        mask = np.zeros(len(moves.tokens), np.bool_)
        mask[occurring(had, 2) // accounts] = True
        return mask

    def unbroken_holdings(self) -> tuple[Ints, Ints]:
        """Return rows of arrival and departure of the holdings of tokens with a plain path.

        A path is plain where no contract, no transfer to oneself and no burn interrupts it and
        each movement begins where the one before ended: its holdings can be told without a walk.
        """
        moves, rows = self.moves, self.rows
        plain = ~self.interrupted
        first, second = rows[:-1], rows[1:]
        joined = (moves.token[first] == moves.token[second]) & plain[moves.token[first]]
        return first[joined], second[joined]

    @cached_property
    def interrupted(self) -> Mask:
        """Return the tokens whose holdings `unbroken_holdings` leaves out."""
        return self._tokens_of(self.rows[self._is_interrupted()])

    def _is_interrupted(self) -> Mask:
        moves, rows = self.moves, self.rows
        sender, recipient = moves.sender[rows], moves.recipient[rows]
        found = self._is_contract[sender] | self._is_contract[recipient] | (sender == recipient)
        goes_on = np.append(np.diff(moves.token[rows]) == 0, False)[: len(rows)]
        gone = moves.accounts.mask_of(NOBODY)[recipient]
        elsewhere = np.append(sender[1:] != recipient[:-1], False)[: len(rows)]
        interrupted: Mask = found | (goes_on & (gone | elsewhere))
        return interrupted

    def _tokens_of(self, rows: Ints) -> Mask:
        mask = np.zeros(len(self.moves.tokens), np.bool_)
        mask[self.moves.token[rows]] = True
        return mask


def suspected_custodians(logged: Movements) -> set[Address]:
    """Return the accounts whose code must be known, see `accounts_to_classify`.

    Only tokens that came back to somebody, or moved twice in one transaction, are looked at.
    """
    transaction = logged.block * (1 + int(logged.place.max(initial=0))) + logged.place
    parcel = transaction * max(len(logged.tokens), 1) + logged.token
    wanted = TokenPaths(logged, ()).with_returns()
    wanted[logged.token[is_in(parcel, occurring(parcel, 2))]] = True
    return accounts_to_classify(logged.iterate(wanted[logged.token]))
