"""How a service process lives: its settings, its log, its health and its end."""
