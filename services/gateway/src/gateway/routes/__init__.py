"""The resources of the API, one module each; handlers read, decide by pure functions and answer."""

from gateway.routes import actions, alerts, dead_letters, docs, health, jobs, problems, runs

ROUTERS = (
    jobs.router,
    runs.router,
    alerts.router,
    dead_letters.router,
    actions.router,
    problems.router,
    health.router,
    docs.router,
)
