"""What came of it: answers about runs, from their files alone and never with torch."""
