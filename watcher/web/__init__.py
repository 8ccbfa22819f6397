"""The page for people, health for supervisors, metrics for Prometheus: one small web server in the daemon's process.

Flask and waitress are imported where a server is made, and so only where `web` is configured.
"""
