"""`/api/v1/settings/...`: what a tenant has, as whoever may looks after it; one's own profile; who changed what."""
