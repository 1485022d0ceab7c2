"""Service levels: the policy, calendars, clocks and the ladder; what is due becomes a Plan."""
