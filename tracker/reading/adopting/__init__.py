"""Event files that others wrote, made runs: found, named, copied, summed up."""
