"""A token's whole history, kept in MongoDB and brought forward by new blocks only."""
