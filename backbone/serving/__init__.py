"""HTTP as every process of ours serves it: bounds, requests, health."""
