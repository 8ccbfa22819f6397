"""What gives a document its attachment URL: object stores, an upload over HTTP, or the address it already has.

Nothing is brought in here: who looks at a configuration needs nothing of what uploads.
"""
