"""The duty desk: server-drawn pages, live by server-sent events.  `app.build` wires it; importing does nothing."""
