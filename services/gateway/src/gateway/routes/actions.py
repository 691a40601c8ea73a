"""`/actions`: what jobs can do."""

from fastapi import APIRouter

from common.actions import ACTIONS
from gateway.views import ActionView, action_view

router = APIRouter(prefix="/actions", tags=["actions"])


@router.get("", summary="List actions")
async def list_actions() -> list[ActionView]:
    """Answer every action with the JSON Schemas of its payload and its result."""
    return [action_view(action) for action in ACTIONS.values()]
