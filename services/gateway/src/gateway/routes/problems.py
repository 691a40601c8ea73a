"""`/problems`: what the `type` of a problem document means."""

from fastapi import APIRouter

from common.models import CamelModel
from gateway.field_errors import shown
from gateway.problems import KINDS, NOT_FOUND, ProblemError

router = APIRouter(prefix="/problems", tags=["problems"])


class ProblemKindView(CamelModel):
    """A kind of problem and what to do about it."""

    type: str
    status: int
    title: str
    way_out: str


@router.get("", summary="List kinds of problems")
async def list_kinds() -> list[ProblemKindView]:
    """Answer every kind of problem that this API reports."""
    return [_view(code) for code in KINDS]


@router.get("/{code}", summary="Explain a kind of problem")
async def show_kind(code: str) -> ProblemKindView:
    """Answer what a problem's `type` means."""
    if code not in KINDS:
        raise ProblemError(NOT_FOUND, f"there is no kind of problem {shown(code)!r}")
    return _view(code)


def _view(code: str) -> ProblemKindView:
    kind = KINDS[code]
    return ProblemKindView(
        type=f"/problems/{code}", status=kind.status, title=kind.title, way_out=kind.way_out
    )
