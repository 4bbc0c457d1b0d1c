-- The last step: without these rows nothing is found lost at the next start.
DELETE FROM events
WHERE {{lost}}
