"""What people are told: alerts with their commands, and reports."""
