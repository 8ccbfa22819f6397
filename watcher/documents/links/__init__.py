"""Invoices that a mail only links to: which links are meant, how each platform hands its files out, and their fetching.

Links are credentials: whoever has one has the invoice. No log line here has more of it than the host.

Nothing is brought in here: who looks for the links of a mail at a daemon's start needs none of what fetches them.
"""
