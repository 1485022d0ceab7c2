"""Formulas of validation rules, formula fields and rule entries: read (``parse``), typed against the schema (``bind``),
run over whole columns (``evaluate``).

Source of what they mean: the vendor's formula guide and its open formula engine, and where both are silent or differ,
what orgs were seen to do: blank numbers stay blank in rules, text compares case-sensitively, ``*`` binds tighter than
``^``, AND and OR stop at the first value that decides.
"""

from sfsync.rehearsal.formula.bind import Formula, Scope, bind
from sfsync.rehearsal.formula.evaluate import Columns, evaluate
from sfsync.rehearsal.formula.parse import parse
from sfsync.rehearsal.formula.tree import FormulaError, Node
from sfsync.rehearsal.formula.values import Failure, Value

__all__ = ["Columns", "Failure", "Formula", "FormulaError", "Node", "Scope", "Value", "bind", "evaluate", "parse"]
