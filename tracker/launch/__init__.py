"""Where runs execute: here, one after another."""
