"""What `check` looks at beside the adapters, and how everything is looked at side by side.

Nothing here changes anything that is seen, and nothing is posted.
"""
