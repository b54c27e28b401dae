"""What the tools wrote: recognised, read, merged into runs."""
