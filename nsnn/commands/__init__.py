"""What each command of `nsnn` does; `nsnn.arguments` holds their options."""
