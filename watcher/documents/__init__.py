"""What a file is and holds: by its content, never by its name or by what somebody says it is."""
