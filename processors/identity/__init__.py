"""Who is who: the facts that events state, and the forest that they make. Which orders of people hold over both."""
