"""The page for people, health for supervisors, metrics for Prometheus: one small web server in the daemon's process.

Waitress is imported where a server is made, and so only where `web` is configured; Flask where somebody looks.
"""
