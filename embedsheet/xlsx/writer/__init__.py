"""What lessons and homework draw workbooks with."""
