"""How a process of ours runs: start, signs of life, health, logs, metrics, its disk."""
