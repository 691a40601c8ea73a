"""However much is due or stored, a scheduler reads and holds no more than it deals with."""

from datetime import timedelta

from common.models import now_utc
from scheduler.audit import Audit
from tests.integration.engine_data import ACTION, create_job, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers

HOUR = timedelta(hours=1)


async def test_a_full_emitter_stops_dispatching(servers: Servers) -> None:
    """Emissions wait in memory while Redis is away; there is a limit to that."""
    async with SchedulerReplica(servers, batch_size=5) as scheduler:
        for _ in range(200):
            await create_job(scheduler.database)
        while await scheduler.dispatcher.dispatch():
            pass
        created = len(await find_runs(scheduler.database))
        assert 100 <= created < 110


async def test_no_query_of_a_scheduler_reads_a_whole_collection(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler:
        await scheduler.create_indexes()
        db = scheduler.database
        for _ in range(20):
            await create_job(db, every=HOUR, at=now_utc() + HOUR)
        job_id = await create_job(db, every=HOUR, at=now_utc() - 3 * HOUR)
        await db.command("profile", 2)
        await scheduler.dispatcher.dispatch()
        await db["jobs"].update_one({"_id": job_id}, {"$set": {"schedule.triggerAt": now_utc()}})
        await scheduler.dispatcher.dispatch()
        await scheduler.reconciler.reconcile()
        await scheduler.audit.correct_jobs()
        await db.command("profile", 0)
        profiled = await db["system.profile"].find({"planSummary": {"$exists": True}}).to_list()
        assert len(profiled) >= 8
        whole = [each for each in profiled if "COLLSCAN" in each["planSummary"]]
        assert [each["command"] for each in whole] == []
        # what is stored and not due is not looked at
        many = [each for each in profiled if each.get("docsExamined", 0) > 5]
        assert [each["command"] for each in many] == []


async def test_under_a_backlog_a_pass_reads_no_more_than_it_deals_with(servers: Servers) -> None:
    async with SchedulerReplica(servers, batch_size=10) as scheduler:
        await scheduler.create_indexes()
        db = scheduler.database
        for _ in range(300):
            await create_job(db)
        for number in range(300):
            late = now_utc() - timedelta(minutes=1)
            run = {"state": "retrying", "action": ACTION, "emitAt": late, "attempt": 1}
            await db["runs"].insert_one({"_id": f"run {number}", **run})
        await db.command("profile", 2)
        await scheduler.dispatcher.dispatch()
        await db["runs"].update_many({}, {"$set": {"state": "queued", "action": "another"}})
        await scheduler.reconciler.reconcile()
        await scheduler.audit.correct_jobs()
        await db.command("profile", 0)
        reads = await db["system.profile"].find({"op": {"$in": ["query", "getmore"]}}).to_list()
        assert len(reads) >= 6
        assert max(each["docsExamined"] for each in reads) <= 10
        assert max(each["nreturned"] for each in reads) <= 10


async def test_under_a_backlog_the_audit_looks_at_some_jobs_at_a_time_and_misses_none(
    servers: Servers,
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        wrong = [await create_job(db) for _ in range(5)]
        await scheduler.dispatcher.dispatch()
        await db["runs"].update_many({}, {"$set": {"state": "completed"}})
        for _ in range(4):
            await create_job(db)
        await scheduler.dispatcher.dispatch()

        audit = Audit(db, most_at_once=2, settle_seconds=0.0)
        left = []
        for _ in range(3):
            await audit.correct_jobs()
            left.append(
                await db["jobs"].count_documents(
                    {"_id": {"$in": wrong}, "schedule.current.state": "queued"}
                )
            )
        assert left == [3, 1, 0]
