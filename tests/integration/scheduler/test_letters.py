"""Dead letters outlive their stream, and nothing is kept for longer than is wished."""

from typing import Any

from common.events import DeadLetter, Failure
from common.models import now_utc
from common.retention import keep_for
from common.streams import DEAD_STREAM, SCHEDULER_GROUP, to_entry
from scheduler import letters
from tests.integration.engine_harness import SchedulerReplica, Servers


def letter(reason: Any = "unreadable") -> DeadLetter:
    error = Failure(type="ValueError", message="odd")
    return DeadLetter(reason=reason, stream="s", error=error, entry="{}", at=now_utc())


async def test_letters_about_entries_are_copied_once_and_those_about_runs_are_not(
    servers: Servers,
) -> None:
    async with SchedulerReplica(servers) as one, SchedulerReplica(servers) as two:
        assert await one.letters.keep()  # makes the group
        for each in (letter(), letter("attempts_exhausted"), letter()):
            await one.redis.xadd(DEAD_STREAM, to_entry(each))
        await one.redis.xadd(DEAD_STREAM, {"odd": "entry"})
        for replica in (one, two):
            await replica.letters.keep()
        stored = await one.database["deadLetters"].find().to_list()
        assert [each["error"]["message"] for each in stored] == ["odd", "odd"]
        pending: Any = await one.redis.xpending(DEAD_STREAM, SCHEDULER_GROUP)
        assert pending["pending"] == 0

        await one.redis.flushall()
        await one.redis.xadd(DEAD_STREAM, to_entry(letter()))
        while await one.letters.keep():
            pass
        assert await one.database["deadLetters"].count_documents({}) == 3


async def test_a_letter_read_by_a_scheduler_that_died_is_copied_by_another(
    servers: Servers, monkeypatch: Any
) -> None:
    monkeypatch.setattr(letters, "TAKE_OVER_MILLISECONDS", 0)
    async with SchedulerReplica(servers) as victim, SchedulerReplica(servers) as heir:
        await victim.letters.keep()
        await victim.redis.xadd(DEAD_STREAM, to_entry(letter()))
        await victim.letters._read()
        await heir.letters.keep()
        assert await heir.database["deadLetters"].count_documents({}) == 1


async def test_a_retention_is_set_changed_and_lifted(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler:
        collection = scheduler.database["kept"]
        for days, seconds in ((90, 7_776_000), (0.5, 43_200), (0.5, 43_200)):
            await keep_for(collection, "finishedAt", days)
            index = (await collection.index_information())["retention"]
            assert index["expireAfterSeconds"] == seconds
        for _ in range(2):
            await keep_for(collection, "finishedAt", None)
            assert "retention" not in await collection.index_information()
