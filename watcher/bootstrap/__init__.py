"""Builds everything from the configuration: the only place that knows which class serves which port.

Adapters that bring costly libraries are imported where they are built: who reads the journal needs no HTTP, and a
daemon without mailboxes no IMAP. For the same reason nothing is handed on here.
"""
