"""Where runs live: their directories, states and circumstances."""
