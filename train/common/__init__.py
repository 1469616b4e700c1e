"""What every part of the training needs: tables as text, files written whole, the machine in words."""
