"""Measurements: `make bench ARGS=--list` names the cases, each a module in `cases`. None asserts a time."""
