"""What is made of usage and rates: charges now; policy, periods and budgets later."""
