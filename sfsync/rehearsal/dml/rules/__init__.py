"""What an object does beyond its fields: names put together, states that follow, mirrored rows."""
