"""POST composite: up to 25 requests in one call, each may use the results of those before it (wire reference 8)."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.collections import is_true
from sfsync.rehearsal.rest.rollback import Undo, undo_unless
from sfsync.rehearsal.rest.since import COMPOSITE, check_since
from sfsync.rehearsal.rest.subrequests import Run, checked, envelope, find_route

MOST, MOST_HEAVY = 25, 5


def composite(context: Context, call: Call) -> Reply:
    """Answers 200 whatever happens to the parts. It counts as one call.

    ``collateSubrequests`` only changes the order in which the vendor may run unrelated parts; here they always run
    in the order given, which is one of the orders allowed.
    """
    check_since(call, COMPOSITE)
    body = call.body.object()
    requests = _counted(context, body.get("compositeRequest"))
    checked(requests, call.version)
    is_true(body.get("collateSubrequests"))
    run = Run(context, call)
    if not is_true(body.get("allOrNone")):
        for request in requests:
            run.step(request)
    else:
        _whole(run, requests)
    return Reply(200, {"compositeResponse": run.answer(requests)})


def _whole(run: Run, requests: list[dict[str, Any]]) -> None:
    try:
        with run.context.org.transaction(strict=True):
            for request in requests:
                undo_unless(not run.step(request).failed)
    except Undo:
        run.halt_others(requests)
    except OrgError as error:
        run.refuse_all(requests, error)


def _counted(context: Context, requests: Any) -> Any:
    """Refuses too many parts, or too many heavy ones, before anything looks at their shape."""
    if not isinstance(requests, list):
        return requests
    if len(requests) > MOST:
        raise _Refused(errors.too_many_subrequests(MOST))
    if sum(_is_heavy(context, request) for request in requests) > MOST_HEAVY:
        text = f"The request can’t contain more than {MOST_HEAVY} Query or sObject Collections operations."
        raise _Refused(OrgError("LIMIT_EXCEEDED", text))
    return requests


def _is_heavy(context: Context, request: Any) -> bool:
    if not isinstance(request, dict):
        return False
    route = find_route(context, str(request.get("method")), str(request.get("url")))
    return route is not None and route.heavy


class _Refused(OrgError):
    """A composite call refused as a whole, in the envelope of one."""

    def __init__(self, error: OrgError) -> None:
        super().__init__(error.code, error.message)


def refused_envelope(error: OrgError) -> Reply | None:
    """The answer to a composite call that broke a limit as a whole; None for other errors."""
    if not isinstance(error, _Refused):
        return None
    item = {"errorCode": error.code, "message": error.message}
    return Reply(400, {"compositeResponse": [envelope([item], {}, 400, None)]})
