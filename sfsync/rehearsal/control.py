"""The control plane under /rehearsal/: statistics, clock, sessions, faults, limits, seeds, jobs, reset, coverage.

It takes any valid access token, costs no API calls and knows no faults. A wrong order is 400 with the vendor's
error shape and the code INVALID_INPUT.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from sfsync.rehearsal import seeds
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.clock import Clock, instant
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.dml.contention import Reckoning
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.faults import KINDS
from sfsync.rehearsal.rest import apex, approvals
from sfsync.rehearsal.routes import Handler

YEARS = range(1971, 3001)


def _explained(handler: Handler) -> Handler:
    """Turns a wrong order into an answer that says what is wrong with it."""

    @wraps(handler)
    def guarded(context: Context, call: Call) -> Reply:
        try:
            return handler(context, call)
        except KeyError as missing:
            raise OrgError("INVALID_INPUT", f"{missing.args[0]} is missing") from missing
        except (ValueError, TypeError, re.error) as error:
            raise OrgError("INVALID_INPUT", str(error)) from error

    return guarded


def _order(call: Call) -> dict[str, Any]:
    """The JSON object in the body; no body is an empty order."""
    return call.body.object() if call.body.read().strip() else {}


def stats(context: Context, call: Call) -> Reply:
    """API calls since the last reset: all, by kind, and the parts of composite calls."""
    return Reply(200, context.limits.stats())


def reset_stats(context: Context, call: Call) -> Reply:
    """Counts from zero."""
    context.limits.reset_stats()
    return Reply(200, context.limits.stats())


def reset(context: Context, call: Call) -> Reply:
    """A fresh org with the same schema; credentials and the standing session stay valid."""
    context.jobs.stop()
    context.jobs.clear()
    context.locators.clear()
    context.faults.clear()
    context.sessions.clear()
    context.recent.clear()
    context.org.reset()
    context.limits.clear()
    context.restore()
    context.jobs.start()
    return Reply(200, {"reset": True})


@_explained
def seed(context: Context, call: Call) -> Reply:
    """``{"name": "operator"}`` or ``{"records": {"User": [...]}}``; ``"exact": true`` keeps rows as they are given."""
    order = _order(call)
    if isinstance(order.get("name"), str):
        return Reply(200, {"loaded": seeds.load(context.org, order["name"])})
    if isinstance(order.get("records"), dict):
        for name, rows in order["records"].items():
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise ValueError(f"{name}: a list of rows, each with its fields")
        load = seeds.load_exact if order.get("exact") is True else seeds.load_records
        return Reply(200, {"loaded": load(context.org, order["records"])})
    raise ValueError(f"give a name ({', '.join(seeds.names())}) or records by object")


# -- clock ------------------------------------------------------------------------------------------------


def clock(context: Context, call: Call) -> Reply:
    """The org's time, and whether it stands still."""
    shown = context.org.clock
    body = {"now": instant(shown.now()), "offset_s": shown.offset_s, "frozen": shown.frozen is not None}
    return Reply(200, body)


@_explained
def set_clock(context: Context, call: Call) -> Reply:
    """``now`` (instant), ``offset_s``, ``advance_s``, ``freeze`` (true, false): done in this order."""
    order = _order(call)
    unknown = set(order) - {"now", "offset_s", "advance_s", "freeze"}
    if unknown or not order:
        raise ValueError("give now, offset_s, advance_s or freeze")
    ticking = context.org.clock
    before = ticking.dump()
    try:
        _change_clock(ticking, order)
    except (ValueError, TypeError, OverflowError) as wrong:
        ticking.load(before)
        raise ValueError(str(wrong)) from wrong
    context.org.save_clock()
    return clock(context, call)


def _change_clock(ticking: Clock, order: dict[str, Any]) -> None:
    if "now" in order:
        ticking.set(datetime.fromisoformat(order["now"]))
    if "offset_s" in order:
        ticking.thaw()
        ticking.offset_s = float(order["offset_s"])
    if "advance_s" in order:
        ticking.advance(float(order["advance_s"]))
    if "freeze" in order:
        ticking.freeze() if order["freeze"] else ticking.thaw()
    if ticking.now().year not in YEARS:
        raise ValueError(f"the clock shows years from {YEARS[0]} to {YEARS[-1]}")


@_explained
def open_session(context: Context, call: Call) -> Reply:
    """``{"username": "…"}`` opens a session of that user: the way to try on what somebody else may do."""
    username = str(_order(call)["username"])
    found = context.org.find_by("User", "Username", username)
    if not found:
        raise ValueError(f"no user has the name {username}; seed one first")
    return Reply(200, {"access_token": context.sessions.open(found[0], "control plane"), "user_id": found[0]})


@_explained
def set_settings(context: Context, call: Call) -> Reply:
    """``{"audit_fields": true, "licenses": {"Salesforce": 10}}``: what an administrator sets up.

    ``{"row_locks": {"hold_s": 4, "wait_s": 10, "lanes": 5}}`` lets writers meet at shared parents; null: never.
    """
    order = _order(call)
    if not order or order.keys() - {"audit_fields", "licenses", "row_locks"}:
        raise ValueError("give audit_fields (true, false), licenses by name, or row_locks")
    if "row_locks" in order:
        times = order["row_locks"]
        context.org.reckon_row_locks(None if times is None else Reckoning(**times))
    if "audit_fields" in order:
        context.org.allow_audit_fields(order["audit_fields"] is True)
    for name, total in dict(order.get("licenses", {})).items():
        context.org.set_licenses(name, int(total))
    return Reply(200, order)


@_explained
def events(context: Context, call: Call) -> Reply:
    """Change events kept for 72 hours: ``?channel=/data/ChangeEvents&after=-2&limit=100``."""
    params = call.params
    found = context.org.events(
        params.get("channel", "/data/ChangeEvents"),
        after=int(params.get("after", -2)),
        limit=int(params.get("limit", 100)),
    )
    return Reply(200, {"events": found})


@_explained
def select_events(context: Context, call: Call) -> Reply:
    """``{"objects": ["Account", "Case"]}``: the objects that publish change events from now on."""
    return Reply(200, {"objects": context.org.select_change_events(_order(call)["objects"])})


@_explained
def define_approval(context: Context, call: Call) -> Reply:
    """An approval process: its name, its object and the users who decide, one after the other."""
    return Reply(200, approvals.define(context, _order(call)))


@_explained
def apex_rest(context: Context, call: Call) -> Reply:
    """``{"method": "DELETE", "path": "Clean/", "status": 200, "body": null}``: what the org's own code would answer."""
    return Reply(200, apex.describe(context, _order(call)))


# -- faults, limits, jobs ---------------------------------------------------------------------------------


def faults(context: Context, call: Call) -> Reply:
    """What kinds there are, and what is armed."""
    return Reply(200, {"kinds": KINDS, "faults": context.faults.show()})


@_explained
def add_faults(context: Context, call: Call) -> Reply:
    """One fault, or ``{"faults": [...]}``; ``{"clear": true}`` disarms all first."""
    order = _order(call)
    cleared = order.pop("clear", False)
    orders = order.get("faults", [order] if order else [])
    if not isinstance(orders, list) or not all(isinstance(one, dict) for one in orders):
        raise ValueError("faults is a list of faults")
    if cleared:
        context.faults.clear()
    for one in orders:
        context.faults.add(one)
    return faults(context, call)


def clear_faults(context: Context, call: Call) -> Reply:
    """Disarms everything."""
    context.faults.clear()
    return faults(context, call)


@_explained
def set_limits(context: Context, call: Call) -> Reply:
    """``{"DailyApiRequests": {"Max": 1000, "Remaining": 10, "PerApp": {"Max": 250}}}``: a quota of the app's own."""
    known = context.limits.show()
    for name, values in _order(call).items():
        if name not in known:
            raise ValueError(f"the org has no limit called {name}; GET limits lists them")
        if not isinstance(values, dict):
            raise TypeError(f"{name} takes Max, Remaining or PerApp, each with its number")
        context.limits.set(name, _number(values.get("Max")), _number(values.get("Remaining")))
        if "PerApp" in values:
            context.limits.set_app(int(values["PerApp"]["Max"]))
    return Reply(200, context.limits.show())


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def jobs(context: Context, call: Call) -> Reply:
    """When Bulk jobs end."""
    return Reply(200, context.jobs.policy)


@_explained
def set_jobs(context: Context, call: Call) -> Reply:
    """When Bulk jobs closed from now on show as finished.

    ``{"finish": "now"}``, ``{"finish": "looks", "n": 3}`` or ``{"finish": "seconds", "t": 1.5}``.
    """
    return Reply(200, context.jobs.set_policy(_order(call)))


HANDLERS: dict[tuple[str, str], Callable[[Context, Call], Reply]] = {
    ("GET", "stats"): stats,
    ("POST", "stats/reset"): reset_stats,
    ("POST", "reset"): reset,
    ("POST", "seed"): seed,
    ("GET", "clock"): clock,
    ("POST", "clock"): set_clock,
    ("POST", "sessions"): open_session,
    ("POST", "apexrest"): apex_rest,
    ("POST", "approvals"): define_approval,
    ("POST", "settings"): set_settings,
    ("GET", "events"): events,
    ("POST", "events"): select_events,
    ("GET", "faults"): faults,
    ("POST", "faults"): add_faults,
    ("DELETE", "faults"): clear_faults,
    ("POST", "limits"): set_limits,
    ("GET", "jobs"): jobs,
    ("POST", "jobs"): set_jobs,
}
