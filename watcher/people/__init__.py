"""Who may submit: the directory of employees, and the proof that a mail comes from its sender."""

from watcher.people.directory import FileDirectory
from watcher.people.registers import open_directory
from watcher.people.verification import Verification

__all__ = ["FileDirectory", "Verification", "open_directory"]
