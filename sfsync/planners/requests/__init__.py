"""Requests of retail partners: from the bytes of a file to the changes of a plan.

Reading order: ``catalogue`` (the types of requests, as data), ``decode`` and ``csvread`` (also ``xlsx``, ``jsonlines``:
bytes to lines), ``headers`` (columns get their names), ``cells`` (what a cell says), ``lookup`` (shops, operators,
terminals), ``validate`` (all codes of a row), ``identity`` and ``repeat`` (which request is it), ``cases`` (what is
written). Pure: frames and Arrow columns go in and come out; files, clocks and databases are for ``runs.partners``.

Vocabulary:

row        one line of a file that holds a request
field      a column of a file under its own name (``shop_code``), whatever the file calls it
code       what is said of a row: ``E-…`` or ``W-…`` (domain requests D.5)
outcome    ACCEPT, ACCEPT-W, QUARANTINE, REJECT or SKIPPED; every row has exactly one
"""
