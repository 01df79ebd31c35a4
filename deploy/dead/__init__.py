"""Dead letters for whoever mends what refused them: counted, shown, and sent again."""
