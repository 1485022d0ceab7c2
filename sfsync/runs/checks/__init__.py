"""What ``doctor`` looks at: ``here`` (this machine and the configuration), ``ends`` (both sides), ``past`` (the
ledger). A check is a function of a ``Patient`` that yields ``Check`` lines; it may raise our errors, which become a
red line of its own."""
