"""Who: a case, a plan, and the world both make."""
