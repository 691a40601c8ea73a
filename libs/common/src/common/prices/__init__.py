"""What coins are worth in USD, and which contracts their symbols belong to."""
