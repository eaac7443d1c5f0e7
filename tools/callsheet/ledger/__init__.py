"""What is on disk: jobs, stages and money, each step one compare-and-set."""
