"""The page to look at and the service to call: `corrin serve`. Everything is answered from memory; nothing of a person is stored or logged."""
