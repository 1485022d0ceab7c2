"""The use cases. The command line and the worker call these and nothing deeper.

``bench`` opens what a run works with; ``sync`` (plan, apply, sync), ``undo``, ``look`` (status, explain), ``issues``
(failures, conflicts, holds), ``doctor``, ``project`` (init).
"""
