"""What gives a document its attachment URL: object stores, an upload over HTTP, or the address it already has."""
