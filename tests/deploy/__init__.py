"""What a school installs."""
