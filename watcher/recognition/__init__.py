"""The recognition endpoint: its wire format, its token and the client that posts to it."""
