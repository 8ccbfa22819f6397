"""What the program costs, counted in what does not depend on the machine, and held against `costs.toml`.

    python -m tests.costs                 measures, and says what each figure was and is
    python -m tests.costs calls memory    the same for some
    python -m tests.costs --renew         keeps what was measured, for the Python that runs it

`tests/end_to_end/test_costs.py` fails where a figure has grown by more than a tenth. What is measured, and what that
does not see, stands in `calls`, `system_calls`, `modules` and `memory`; each figure is steady to 2 % also beside
other work, because it is a count or a size. Nothing here tells how long something takes: `benchmarks/` does.
Statements and transactions are exact, and stand in `tests/integration/test_statement_counts.py`.
"""
