"""The only code that talks to the network; it translates and decides nothing."""
