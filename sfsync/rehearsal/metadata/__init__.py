"""Metadata at run time: components, packages of them, what deploying them changes, how results are told.

Reading order: ``kinds`` (which types there are), ``component`` (one piece of metadata), ``package`` (zip or folder
to components), ``deploy`` (a package into the org), ``jobs`` (deploys and retrieves by id), ``crud`` (one by one).
"""
