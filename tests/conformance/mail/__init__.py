"""Mail programs of customers, through real mail servers."""
