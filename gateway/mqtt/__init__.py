"""MQTT as a server speaks it, without a socket or a clock: packets, one connection's machine, who may do what."""
