"""Queues the next attempts of failed runs when their backoff ends."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from common.models import now_utc
from common.states import RunState
from scheduler.damaged_runs import create_events
from scheduler.emitter import Emitter


class Retries:
    """Every step may be repeated, and by several replicas."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        emitter: Emitter,
        actions: Iterable[str],
        *,
        look_ahead_seconds: float,
        batch_size: int,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        """Args as named; `actions` are all there are, `clock` tells the present in UTC."""
        self._runs = database["runs"]
        self._emitter = emitter
        self._actions = list(actions)
        self._look_ahead = timedelta(seconds=look_ahead_seconds)
        self._batch_size = batch_size
        self._clock = clock

    async def queue(self) -> bool:
        """Queue a batch of attempts; tell whether there are more."""
        now = self._clock()
        due = {
            "state": RunState.RETRYING.value,
            "action": {"$in": self._actions},  # as the index has it
            "emitAt": {"$lte": now + self._look_ahead},
        }
        found = await self._runs.find(due).sort("emitAt", 1).limit(self._batch_size).to_list()
        if not found:
            return False
        events = await create_events(self._runs, found, now)
        await self._runs.update_many(
            # the next attempt of one that others have moved on meanwhile is not due yet
            {"_id": {"$in": [run["_id"] for run, _ in events]}, **due},
            {"$set": {"state": RunState.QUEUED.value}},
        )
        for run, event in events:
            self._emitter.add(event, at=run["emitAt"], number=run["emissions"])
        return len(found) >= self._batch_size
