"""The pictures of the docs, made anew: ``python -m tests.screenshots replies``. Needs chromium and fonts-wqy-zenhei."""
