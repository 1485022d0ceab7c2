"""The budget stops before a call that would pass a share, and keeps a reserve for closing calls."""

from __future__ import annotations

import pytest

from sfsync.errors import BudgetReached
from sfsync.settings import Budget as Shares
from sfsync.sides.salesforce.budget import Budget


def test_the_first_answer_tells_the_limit() -> None:
    budget = Budget(Shares())
    assert budget.remaining is None
    budget.take()
    budget.saw("api-usage=22/15000")
    assert (budget.calls, budget.remaining) == (1, 14_978)


def test_the_figure_of_one_app_is_not_the_org() -> None:
    budget = Budget(Shares())
    budget.saw("api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)")
    assert budget.total == 5000
    budget.saw("per-app-api-usage=17/250(appName=sample-connected-app)")
    budget.saw(None)
    budget.saw("nonsense")
    assert budget.total == 5000


def test_one_run_may_use_its_share_and_no_more() -> None:
    budget = Budget(Shares(per_run=0.25, org_wide_stop=1))
    budget.saw("api-usage=0/100")
    with pytest.raises(BudgetReached) as stopped:
        for _ in range(100):
            budget.take()
    assert budget.calls == 25 - 2  # the reserve: a tenth of the share
    assert stopped.value.exit_status == 6
    for _ in range(2):
        budget.take(closing=True)
    with pytest.raises(BudgetReached):
        budget.take(closing=True)


def test_the_org_wide_stop_counts_what_others_used() -> None:
    budget = Budget(Shares(per_run=1, org_wide_stop=0.8))
    budget.saw("api-usage=80/100")
    with pytest.raises(BudgetReached):
        budget.take()
