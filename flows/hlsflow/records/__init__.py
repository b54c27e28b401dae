"""What is known of a design: the record, its verdict, how evidence of several runs becomes one, and its report."""
