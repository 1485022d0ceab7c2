"""What leaves because of a request: messages to the partner, tasks for the case's owner. Each leaves once.

Before it leaves it is noted under its idempotency key; a way that can be looked at (a file, a task) is looked at when a
run died in between; of one that cannot (SMTP) nobody knows, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sfsync.faultpoints import hit
from sfsync.ledger import request_effects
from sfsync.plan.model import Note
from sfsync.planners.requests.life import messages
from sfsync.planners.requests.life.messages import TASK, Due
from sfsync.planners.requests.life.wording import Unfit
from sfsync.planners.requests.steps import Book
from sfsync.runs import posts
from sfsync.runs.bench import Bench
from sfsync.runs.mailer import Declined, Mailer, NotLeft
from sfsync.runs.posts import Post
from sfsync.runs.request_view import Seen
from sfsync.runs.running import Run
from sfsync.sides.salesforce.faults import Refused

TOGETHER = 200  # files or tasks between two notes in the ledger


def say(bench: Bench, book: Book, run: Run, seen: Sequence[Seen]) -> None:
    """Notes what is due, then sends what has not left yet."""
    wanted = {
        d.key: (d, s) for s in seen for d in messages.due(book, s.request, s.facts, s.trail, s.standing, bench.as_of)
    }
    way = bench.settings.messages.send
    rows = [_row(due, "task" if due.kind == TASK else way) for due, _ in wanted.values()]
    left = request_effects.due(bench.ledger, rows)
    hit("requests.due")
    for some in _pieces([r["effect_key"] for r in left if r["kind"] == TASK]):
        _send(bench, some, [posts.tasks(bench, [wanted[k] for k in some])])
    together: dict[str, Post] = {}
    with Mailer(bench.settings.messages) as mailer:
        for row in (r for r in left if r["kind"] != TASK):
            post = _post(bench, book, run, row, wanted, mailer)
            if post is not None and post.again:
                together[row["effect_key"]] = post
            elif post is not None:
                _alone(bench, run, row["effect_key"], post, wanted)
    for some in _pieces(list(together)):
        _send(bench, some, [together[k] for k in some])


def _pieces(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    yield from (keys[start : start + TOGETHER] for start in range(0, len(keys), TOGETHER))


def _row(due: Due, way: str) -> dict[str, Any]:
    return {
        "effect_key": due.key,
        "case_key": due.case_key,
        "kind": due.kind,
        "code": due.code,
        "occasion": due.occasion,
        "language": due.language,
        "way": way,
    }


def _post(
    bench: Bench, book: Book, run: Run, row: dict[str, Any], wanted: Mapping[str, tuple[Due, Seen]], mailer: Mailer
) -> Post | None:
    """What leaves; None, with a finding, for what must not or of which nobody knows whether it did."""
    due, one = wanted[row["effect_key"]]
    try:
        post = posts.message(bench, book, due, one, mailer)
    except Unfit as error:
        request_effects.leave(bench.ledger, [due.key], "withheld", error.code)
        run.result.findings.append(_withheld(due, one, error.code, error.next_step))
        return None
    if row["state"] == "leaving" and not post.again:
        request_effects.leave(bench.ledger, [due.key], "doubt", "IN_DOUBT")
        step = "Look whether it arrived; if it did not, send it by hand."
        run.result.findings.append(_withheld(due, one, "IN_DOUBT", step))
        return None
    return post


def _alone(bench: Bench, run: Run, key: str, post: Post, wanted: Mapping[str, tuple[Due, Seen]]) -> None:
    """One message; an address that is no good does not keep the others from leaving."""
    try:
        _send(bench, [key], [post])
    except Declined:
        request_effects.leave(bench.ledger, [key], "withheld", "SMTP_DECLINED")
        due, one = wanted[key]
        text = f"case {one.facts.case['number']}: the mail server refused the address; {due.code} was not sent"
        step = "Correct the address on the platform, and tell the partner by hand."
        run.result.findings.append(Note(code="SMTP_DECLINED", message=text, level="warning", next_step=step))


def _send(bench: Bench, keys: Sequence[str], letters: Sequence[Post]) -> None:
    """Several at once only of a kind that may be sent twice: if one fails, the next run sends all of them again."""
    way = letters[0].way
    request_effects.leave(bench.ledger, keys, "leaving", way=way)
    hit("requests.leaving")
    for post in letters:
        try:
            post.send()
        except (NotLeft, Refused):
            request_effects.leave(bench.ledger, keys, "due", way=way)
            raise
        hit("requests.left")
    request_effects.leave(bench.ledger, keys, "sent", way=way)


def _withheld(due: Due, one: Seen, code: str, step: str) -> Note:
    text = f"case {one.facts.case['number']}: {due.code} was not sent"
    return Note(code=code, message=text, level="warning", next_step=step)
