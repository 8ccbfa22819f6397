"""Who may submit: the directory of employees, and the proof that a mail comes from its sender."""

from watcher.people.directory import FileDirectory
from watcher.people.registers import DirectoryWithRegisters, Register, Remembering
from watcher.people.verification import Verification

__all__ = ["DirectoryWithRegisters", "FileDirectory", "Register", "Remembering", "Verification"]
