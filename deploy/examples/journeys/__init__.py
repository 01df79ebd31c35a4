"""Two journeys as an example: rules for carts that are left and for people who sign up, and a receiver of what they send."""
