"""What a sync costs, beside the floor, beside its peers and beside itself at other sizes."""
