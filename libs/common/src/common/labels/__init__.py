"""What is known of addresses from outside the chain."""
