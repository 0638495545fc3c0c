"""What a run learns from: pictures as uint8, and every random choice made from seeds alone."""
