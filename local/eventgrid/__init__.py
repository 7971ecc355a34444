"""Event Grid: subscriptions, delivery with retries and dead letters, and custom topics."""
