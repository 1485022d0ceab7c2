"""What an admin has configured: rules that run at a save, business hours, milestones. ``rules.bound`` makes it ready;
``sfsync.rehearsal.dml.automation`` calls it from the steps of a save.
"""
