"""What every room stands on: errors with their exit codes, the log, files written whole, strict reading, kept steps."""
