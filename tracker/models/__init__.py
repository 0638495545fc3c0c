"""What learns: every backbone an experiment can name, and what each one costs."""
