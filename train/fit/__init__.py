"""Training one network: recipe and faces in, a finished run directory out."""
