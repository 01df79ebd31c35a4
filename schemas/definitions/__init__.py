"""What all definitions have, whatever they define: names, shapes of texts, and the problems that people are told of."""
