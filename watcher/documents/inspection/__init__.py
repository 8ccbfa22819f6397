"""Looking inside documents: pages, locks, and the invoices in them, in a child process that may be killed.

`inspector` is the daemon's side, `process` its hold on one child, `answers` what the two say to each other. What
runs in the child begins at `child`: `looking` calls one module for each format, and they share `text` (what words
say), `codes` (QR), `structured` (XML made for machines) and `gathering` (from pages to invoices).
"""
