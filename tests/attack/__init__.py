"""Hostile inputs, generated: whatever a person may bring, and whatever a disk may have done to files of ours.

Each input is read in a process of its own, which may use ten seconds of a processor and a gigabyte of memory. What may
come of it is a value, or one `interpret.core.errors.InterpretError` of one line. ``make attack`` tries thousands, and
``make test`` a few of each kind. An input is told by its kind and number, and made again from these alone.
"""
