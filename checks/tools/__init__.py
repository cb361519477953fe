"""What two claims or more use."""
