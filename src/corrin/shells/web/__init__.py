"""The page to look at and the service to call: `corrin serve`. It answers from memory; nothing of a person is stored or logged."""
