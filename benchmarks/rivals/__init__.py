"""What people would use instead, as they would use it."""
