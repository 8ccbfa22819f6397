"""The parts of a mail (RFC 2045, 2046) found in a file that is never held in memory, and decoded piece by piece."""
