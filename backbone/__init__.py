"""The contract that every process of Trunkline shares. Imports nothing of ours."""
