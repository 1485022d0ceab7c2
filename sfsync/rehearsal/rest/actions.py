"""Standard invocable actions (vendor: Actions REST): the one that sends an e-mail. Nothing leaves a rehearsal org."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.routes import Route, data

_NEEDED = ("emailAddresses", "emailSubject", "emailBody")


def routes() -> list[Route]:
    """The list of standard actions, and ``emailSimple``."""
    return [
        data("GET", "/actions/standard", "actions", listed),
        data("POST", "/actions/standard/emailSimple", "actions.emailSimple", email),
    ]


def listed(context: Context, call: Call) -> Reply:
    """GET: what can be invoked here."""
    url = f"{call.base}/actions/standard/emailSimple"
    return Reply(200, {"actions": [{"label": "Send Email", "name": "emailSimple", "type": "EMAILSIMPLE", "url": url}]})


def email(context: Context, call: Call) -> Reply:
    """POST {"inputs": […]}: with ``logEmailOnSend`` and a case as ``relatedRecordId`` the mail is kept at the case."""
    inputs = call.body.object().get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise OrgError("INVALID_API_INPUT", "Missing required input parameter: inputs")
    return Reply(200, [_sent(context, call, one) for one in inputs])


def _sent(context: Context, call: Call, given: dict[str, Any]) -> dict[str, Any]:
    missing = [n for n in _NEEDED if not given.get(n)]
    if missing:
        text = f"Missing required input parameter: {missing[0]}"
        wrong = {"statusCode": "MISSING_ARGUMENT", "message": text, "fields": []}
        return {"actionName": "emailSimple", "errors": [wrong], "isSuccess": False, "outputValues": None}
    about = str(given.get("relatedRecordId") or "")
    if given.get("logEmailOnSend") and is_valid(about) and about.startswith("500"):
        row = {"ParentId": about, "Subject": given["emailSubject"], "TextBody": given["emailBody"]}
        row |= {"ToAddress": given["emailAddresses"], "Status": "3"}
        context.org.insert("EmailMessage", [row], options=call.options)
    return {"actionName": "emailSimple", "errors": None, "isSuccess": True, "outputValues": None}
