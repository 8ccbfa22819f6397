"""What the daemon talks to, in one process: for the demo, for tests, and for people who write against the endpoint."""
