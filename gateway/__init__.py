"""May this message come in?  Bytes from devices become canonical events, acknowledged once they are on disk."""
