"""Why two runs differ: what was asked, what ran, and where their curves part."""
