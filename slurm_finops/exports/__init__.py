"""What other programs read: cost data for FinOps tools, journals for finance."""
