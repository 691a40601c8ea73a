"""What taking, renewing and giving up leases means in Redis: each one atomic script.

Where an action has a global limit, its leases take slots: members of a sorted set whose score is
the moment at which the slot falls free by itself. A lease that finds no slot is marked as waited
for, which keeps the run from being taken for lost, and gets a place in a queue, which nobody
passes. A place whose mark has run out belonged to a process that died. All moments are Redis's own.
"""

from enum import IntEnum
from typing import Final

WAITING: Final = "waiting:"
"""What the value of a lease that waits for a slot begins with; its owner follows."""


class Answer(IntEnum):
    """What came of asking for a lease."""

    REFUSED = 0
    """Somebody else holds or waits for it, or the attempt has ended or is cancelled."""

    TAKEN = 1
    WAITING = 2


def slots_key(stream: str) -> str:
    """Return the sorted set of leases that take a slot of the action with this stream."""
    return f"jobs.slots:{stream}"


def queue_key(stream: str) -> str:
    """Return the sorted set of leases that wait for one, by how long they do."""
    return f"jobs.slots.queue:{stream}"


START: Final = """
local outcomes, slots, queue = KEYS[1], KEYS[2], KEYS[3]
local lease_ms, field, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local mark = 'waiting:'
local now, free = 0, 0

local function is_waiting(value)
  return string.sub(value, 1, #mark) == mark
end

local function drop_the_dead()
  local from = 0
  while from < free do
    local lease = redis.call('ZRANGE', queue, from, from)[1]
    if not lease then return end
    local value = redis.call('GET', lease)
    if value and is_waiting(value) then
      from = from + 1
    else
      redis.call('ZREM', queue, lease)
    end
  end
end

if limit > 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
  free = limit - redis.call('ZCARD', slots)
  drop_the_dead()
end

local function has_slot(lease)
  if limit == 0 then return true end
  local ahead = redis.call('ZRANK', queue, lease) or redis.call('ZCARD', queue)
  if ahead >= free then
    if not redis.call('ZSCORE', queue, lease) then redis.call('ZADD', queue, now, lease) end
    return false
  end
  redis.call('ZREM', queue, lease)
  redis.call('ZADD', slots, now + lease_ms, lease)
  free = free - 1
  return true
end

local answers = {}
for i = 4, #KEYS do
  local lease, owner, started = KEYS[i], ARGV[2 * i - 4], ARGV[2 * i - 3]
  local present = redis.call('GET', lease)
  if present and present ~= owner and present ~= mark .. owner then
    if limit > 0 and not is_waiting(present) then redis.call('ZREM', queue, lease) end
    answers[i - 3] = 0
  elseif present == owner then
    answers[i - 3] = 1
  elseif has_slot(lease) then
    redis.call('SET', lease, owner, 'PX', lease_ms)
    redis.call('XADD', outcomes, '*', field, started)
    answers[i - 3] = 1
  else
    redis.call('SET', lease, mark .. owner, 'PX', lease_ms)
    answers[i - 3] = 2
  end
end
return answers
"""
"""Takes leases and tells so, each or neither. Sent again as the answer was lost, it tells again
that a lease is taken.

KEYS: outcomes, slots, queue, then the leases. ARGV: milliseconds that a lease lasts, field of an
event, limit (0 for none), then owner and event of each lease. Returns an `Answer` for each.
"""

RENEW: Final = """
local slots, lease_ms, limit = KEYS[1], ARGV[1], tonumber(ARGV[2])
local until_ms = 0
if limit > 0 then
  local time = redis.call('TIME')
  until_ms = time[1] * 1000 + math.floor(time[2] / 1000) + lease_ms
end
local lost = {}
for i = 2, #KEYS do
  local owner = redis.call('GET', KEYS[i])
  if not owner or owner == ARGV[i + 1] then
    redis.call('SET', KEYS[i], ARGV[i + 1], 'PX', lease_ms)
    if limit > 0 then redis.call('ZADD', slots, until_ms, KEYS[i]) end
  else
    table.insert(lost, {i - 2, owner})
  end
end
return lost
"""
"""Prolongs leases that are ours or were forgotten by a flushed Redis, and their slots.

KEYS: slots, then the leases. ARGV: milliseconds that a lease lasts, limit, then the owner of each.
Returns the others, each with its index and what is there instead.
"""

GIVE_BACK: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
redis.call('ZREM', KEYS[2], KEYS[1])
"""
"""Ends the waiting for a lease. KEYS: lease, queue. ARGV: the value that says who waits."""

FINISH: Final = """
for i = 4, #KEYS do
  local outcome, entry = ARGV[2 * i - 3], ARGV[2 * i - 2]
  redis.call('XADD', KEYS[1], '*', ARGV[1], outcome)
  redis.call('SET', KEYS[i], ARGV[2], 'EX', ARGV[3])
  redis.call('ZREM', KEYS[2], KEYS[i])
  redis.call('XACK', KEYS[3], ARGV[4], entry)
end
"""
"""Publishes how attempts ended, marks their leases finished, frees their slots and acknowledges
their entries. KEYS: outcomes, slots, the source's stream, leases. ARGV: field of the outcome, mark,
seconds to keep it, group; for each lease the outcome and the entry."""
