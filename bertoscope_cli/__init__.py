"""The commands that ``pip install bertoscope`` brings.

They stand beside the package `bertoscope` and not in it: where that cannot be imported, a command says why.
"""
