"""What each command of `nsnn` does; `nsnn.cli` holds their options."""
