"""Measurements: each script says in its docstring what it measures and how to run it. None asserts a time."""
