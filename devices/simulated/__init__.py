"""The parts of the simulated compound: who lives there, what their sensors say, what people do all day."""
