"""The invoices as a table for accountants: which rows it has, and the files that carry it.

What stands in a cell came from outside, and a spreadsheet program takes text for a formula where it begins like one.
So all text goes through `cells`, whatever the file.
"""

from watcher.export.csv_file import write_csv
from watcher.export.rows import COLUMNS, rows
from watcher.export.xlsx_file import TooManyRows, write_xlsx

__all__ = ["COLUMNS", "TooManyRows", "rows", "write_csv", "write_xlsx"]
