"""What touches the world: files, sockets, clocks.  It does what the core decided and holds no rule of the domain."""
