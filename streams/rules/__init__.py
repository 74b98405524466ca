"""The rules: one kind of incident a file, each with its own test module.

A rule is a few functions over the step's `Work`: it looks at a record, says `raise_incident` or `clear_incident` with
its reason, and keeps in the record when it wants to be woken.  Which rule hears what, in which order, is written in
`streams/grid.py`.
"""
