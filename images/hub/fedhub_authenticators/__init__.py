"""Login for federated hubs, inside the hub pod: start at `configure`."""
