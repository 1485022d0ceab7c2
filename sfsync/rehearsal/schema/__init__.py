"""What the org knows of its objects: fields, record types, queues; from our standard file and from force-app."""
