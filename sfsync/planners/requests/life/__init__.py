"""The life of a partner request after its case exists: plan, approval, apply, verify, message. Pure.

Reading order: ``words`` (the vocabulary), ``ops`` (what is asked of the platform, and the hash an approval binds to),
``marks`` and ``checks`` (what has to be there first), ``standing`` (where a request is), ``changes`` (its next steps as
changes of a plan), ``messages`` and ``wording`` (what the partner reads). ``steps`` beside this folder is the data.
"""
