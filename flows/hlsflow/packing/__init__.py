"""Work that another machine does: a project packed, its results brought back, and an archive for a bug report."""
