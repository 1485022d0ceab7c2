"""The ways by which a message or a task leaves: a file in the outbox (the default), SMTP, Salesforce's e-mail action.

Recipients are the addresses on file at the platform, never one that a request brought along.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from sfsync.planners.requests.life.messages import Due, text
from sfsync.planners.requests.life.tasks import CLOSING, INFORMED, closing
from sfsync.planners.requests.life.wording import Unfit, fit
from sfsync.planners.requests.steps import Book
from sfsync.runs.bench import Bench
from sfsync.runs.mailer import Mailer
from sfsync.runs.request_view import Seen
from sfsync.sides.salesforce import approvers
from sfsync.sides.salesforce.soql import URL_CHARS, in_lists, select

SUBJECT = {"it": "Richiesta {number}", "en": "Request {number}"}
TASKS = {
    "UNCONFIRMED": "The platform has not answered a change request for 24 hours",
    "REPLACE_TERMINAL": "Three faults in 30 days: propose a replacement of the terminal",
    "ASKED_TWICE": "Possible fraud: more than one request for the same voucher or transaction",
    "TELL_PARTNER": "The request was refused: no message says why, so tell the partner",
    "INFORM_MANAGER": "Look at this restricted case of one of your shops and call the partner",
    "SHOP_CLOSES": "A shop closes: see to its open cases and bring back its terminals",
    "LICENCE_EXPIRES": "A licence of the shop expires in 60 days: ask for the new one",
    "REPORT_DUE": "The data of the identification must have reached the concession holder by this day",
    "PARTLY": "The platform did a part of the request and refused the rest",
    "NOT_KEPT": "The platform answered done, but what it holds is not what was asked",
}


@dataclass(frozen=True)
class Post:
    """Something ready to leave. ``again``: sending it twice is the same as once."""

    way: str
    send: Callable[[], object]
    again: bool


def message(bench: Bench, book: Book, due: Due, one: Seen, mailer: Mailer) -> Post:
    """A message to the partner; raises ``Unfit`` for a text that must not leave or has nobody to go to."""
    body = text(book, due, one.request, one.facts, one.standing, bench.as_of)
    settings = bench.settings.messages
    to = _address(one)
    mail = _mail(bench, due, one, to, body)
    if settings.send == "outbox":
        return Post("outbox", lambda: _drop(settings.outbox, due.key, mail), again=True)
    if not to:
        raise Unfit("the platform has no address of the partner", "MESSAGE_ADDRESS", due.code, "Send it by hand.")
    if settings.send == "smtp":
        return Post("smtp", lambda: mailer.send(mail), again=False)
    return Post("salesforce", lambda: _action(bench, one, to, mail, body), again=False)


def _address(one: Seen) -> str:
    """The asking operator's address on file, else the shop's."""
    row = one.facts.operators.get(one.request.requester) or one.facts.operators.get(one.request.operator) or {}
    return str(row.get("email") or one.facts.shop.get("email") or "")


def _mail(bench: Bench, due: Due, one: Seen, to: str, body: str) -> EmailMessage:
    mail = EmailMessage()
    language = due.language if due.language in SUBJECT else "it"
    subject = SUBJECT[language].format(number=one.facts.case["number"])
    mail["Subject"] = fit(subject, (), due.code)
    mail["From"] = bench.settings.messages.sender
    if to:
        mail["To"] = to
    mail["Date"] = format_datetime(bench.as_of)
    mail["Message-ID"] = f"<{due.key[:40]}@sfsync>"
    mail["X-Sfsync-Message"] = due.code
    mail["X-Sfsync-Case"] = str(one.facts.case["number"])
    mail.set_content(body, cte="8bit")
    return mail


def _drop(folder: Path, key: str, mail: EmailMessage) -> None:
    """One file per message, named by its key and whole or not there: writing it again is the same file."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{key[:40]}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(mail.as_bytes())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{key[:40]}.eml")


def _action(bench: Bench, one: Seen, to: str, mail: EmailMessage, body: str) -> None:
    """Salesforce's own action ``emailSimple``, logged at the case."""
    values = {
        "emailAddresses": to,
        "emailSubject": str(mail["Subject"]),
        "emailBody": body,
        "relatedRecordId": one.facts.case["id"],
        "logEmailOnSend": True,
    }
    bench.salesforce.run_action("emailSimple", values)


@dataclass(frozen=True)
class _Task:
    """A task at a case. ``owners``: the case's owner, else (a queue cannot have one) the shop's account manager."""

    case: str
    owners: Sequence[str]
    day: str
    text: str

    @classmethod
    def of(cls, due: Due, one: Seen) -> _Task:
        owners: Sequence[str] = one.facts.case["owners"]
        text = closing(one.facts) if due.code == CLOSING else ""
        return cls(str(one.facts.case["id"]), owners[1:] if due.code == INFORMED else owners, due.day, text)


def tasks(bench: Bench, wanted: Sequence[tuple[Due, Seen]]) -> Post:
    """Tasks at their cases, found again by their subjects, so that each is made once."""
    rows = {f"{TASKS.get(d.code, d.code)} [{d.key[:12]}]": _Task.of(d, s) for d, s in wanted}
    return Post("task", lambda: _tasks(bench, rows), again=True)


def _tasks(bench: Bench, wanted: Mapping[str, _Task]) -> None:
    there: set[str] = set()
    active = approvers.active_of(bench.salesforce.query, [o for t in wanted.values() for o in t.owners])
    active.discard(bench.salesforce.user_id())  # nobody reads the tasks of our own user
    for clause in in_lists("WhatId", sorted({t.case for t in wanted.values()}), URL_CHARS - 400):
        there |= {str(row["Subject"]) for row in bench.salesforce.query(select(["Subject"], "Task", clause))}
    common = {"Status": "Not Started", "Priority": "High"}
    rows = [
        {"WhatId": task.case, "Subject": s, **common, **_more(task, active)}
        for s, task in wanted.items()
        if s not in there
    ]
    bench.salesforce.create_many("Task", rows)


def _more(task: _Task, active: set[str]) -> dict[str, str]:
    """Whose the task is, as far as there is somebody, until when, and what there is to know."""
    owner = next((o for o in task.owners if o in active), "")
    cells = {"OwnerId": owner, "ActivityDate": task.day, "Description": task.text}
    return {name: value for name, value in cells.items() if value}
