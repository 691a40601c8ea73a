"""What a wallet holds, and what it did, at one block."""
