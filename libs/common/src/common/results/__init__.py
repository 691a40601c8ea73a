"""What runs find: the envelope of every result, alerts, and the larger results, one an action."""
