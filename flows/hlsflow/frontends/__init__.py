"""From a framework's model to a network and the outputs that it must give."""
