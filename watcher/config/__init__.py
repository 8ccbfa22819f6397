"""The configuration: what may be written (`sections`), and how it is read (`load`)."""
