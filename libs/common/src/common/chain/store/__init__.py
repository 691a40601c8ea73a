"""Final chain data that all workers share, kept in MongoDB: what one run read, no other reads."""
