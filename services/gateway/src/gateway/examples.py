"""Example requests shown in the API's documentation; the tests send each of them."""

from typing import Any, Final

from fastapi.openapi.models import Example

from common.actions import ACTIONS

_WALLET: Final = {
    "wallet": "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6",
    "options": {"includeTransactions": True, "includeTokenBalances": True, "includeNFTs": True},
}
_TOKEN: Final = {
    "tokenAddress": "0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7",
    "options": {"transactionLimit": 100, "includeAlerts": True},
}


def _example(summary: str, value: dict[str, Any]) -> Example:
    return {"summary": summary, "value": value}


JOBS: Final[dict[str, Example]] = {
    "recurring": _example(
        "A wallet every 15 minutes",
        {"action": "wallet_snapshot", "payload": _WALLET, "type": "retry", "intervalMinutes": 15},
    ),
    "scheduled": _example(
        "A token once, at a given time",
        {
            "action": "analyze_coin_flows",
            "payload": _TOKEN,
            "type": "scheduled",
            "scheduledAt": "2024-01-15T10:00:00.000Z",
        },
    ),
    **{
        action.name: _example(
            f"{action.title}, as often as suggested",
            {
                "action": action.name,
                "payload": dict(action.example),
                "type": "recurring",
                "intervalMinutes": action.default_interval_minutes,
            },
        )
        for action in ACTIONS.values()
    },
}

CHANGES: Final[dict[str, Example]] = {
    "interval": _example("Another interval", {"intervalMinutes": 30}),
    "retry": _example("Run a failed job again", {"status": "pending"}),
    "limits": _example("Other limits", {"maxAttempts": 5, "timeoutSeconds": 120}),
}
