"""What foreign bytes must never do, as functions of bytes: for a fuzzer, and for a quick test over a few seeds.

`make fuzz` lets a fuzzer look for bytes that break a promise. Each target raises for what is a fault of ours.
"""
