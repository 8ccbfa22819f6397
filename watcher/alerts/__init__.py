"""Ways to those who look after the program: chat robots and services by their apprise URL, and mail.

Nothing is imported here: the process that sends alerts has to begin quickly.
"""
