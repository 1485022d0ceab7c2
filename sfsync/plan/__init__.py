"""Plans: a frozen set of changes, how it is stored, explained, applied and undone.

Reading order: ``model`` (what a plan is), ``folder`` (a plan on disk), ``explain`` (a plan for people; it gets only
readers, so it cannot write), ``apply`` (the one function that writes), ``settle`` (what one batch teaches the
ledger), ``recover`` (batches whose end nobody saw), ``undo`` (the plan back).
"""
