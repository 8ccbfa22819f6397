"""Answers to submitters: what a reply or a note says (`writer`), and how a reply leaves (`mailer`).

Every word that people read stands in `catalogue/`, one file per language; every layout in `templates/`.
"""

from watcher.replies.writer import TemplateWriter

__all__ = ["TemplateWriter"]
