"""The rehearsal org: a Salesforce org on loopback, for trying things at noon with zero API calls.

Floors, each importing only what lies below it (``tests/test_architecture.py`` holds them)::

    serve, server, app, table  the process, the HTTP edge, all routes
    gate, control, coverage    every call's way through; the control plane; what is answered and what is not
    soap, rest, bulk, entry    wire formats and ways in; each folder's routes stand in its ``table``
    call, context, faults, …   what all of these share: a call and its reply, limits, cursors, seeds
    org                        what an org does: ``reading``, ``writing``, ``administering``
    metadata                   deploys and retrieves at run time
    dml, automation            saving, and the rules an administrator configured
    soql, security             asking, and who may see what
    schema, formula, store     objects and fields, formulas, the SQLite file
    errors, ids, clock, …      words that everybody uses

Reading order: ``table`` and ``gate``, ``org``, ``dml.save``, ``soql.parse`` to ``soql.run``, ``schema.model``.
It imports nothing from ``sfsync.sides``: an emulator that shares code with its client agrees with its bugs.
"""
